import { Duplex } from "node:stream";
import { type Clock, compose, type Dialer, type Middleware, withTimeout } from "../../src/index.ts";
import { fakeClock } from "../../src/testing.ts";
import { latency, refusedError } from "../bench/storm/network.js";
import { dropped, refused, Server } from "../bench/storm/server.js";
import type { Storm } from "../bench/storm/simulate.js";
import { Streams } from "../bench/storm/streams.js";
import { Tally } from "../bench/storm/tally.js";

/** The layers of a client's dialer above the timeout of an attempt, and the delay between dials of a client that dials until it succeeds. */
export interface RealClient {
  readonly layers: readonly Middleware[];
  readonly loop?: ((attempt: number, error: unknown, sinceLastTryMs: number) => number) | undefined;
}

/** Runs the storm of {@link simulate} with composed dialers on the fake clock. Each client draws from its own random stream, in the same order. */
export async function realStorm(
  { clients, server: serverOptions, latencyMs, timeoutMs, untilMs, seed }: Omit<Storm, "strategy">,
  clientOf: (client: number, random: () => number, clock: Clock) => RealClient,
): Promise<Tally> {
  const clock = fakeClock();
  const server = new Server(serverOptions);
  const streams = new Streams(clients, seed);
  const tally = new Tally(clients, serverOptions.upAtMs, untilMs);
  const over = new AbortController();
  const { signal } = over;

  const comeBack = async (client: number) => {
    const random = streams.of(client);
    const { layers, loop } = clientOf(client, random, clock);
    let sentMs = Number.NEGATIVE_INFINITY;
    const base: Dialer<Duplex> = async () => {
      sentMs = clock.now();
      await elapsed(clock, latency(latencyMs, random));
      const nowMs = clock.now();
      tally.attempt(nowMs);
      const accepted = server.offer(nowMs);
      if (accepted === dropped) return new Promise<never>(() => {});
      await elapsed(clock, (accepted === refused ? 0 : accepted - nowMs) + latency(latencyMs, random));
      if (accepted === refused) throw refusedError;
      return new Duplex({ read() {} });
    };
    const composeAll = compose as (...layers: readonly unknown[]) => Dialer<Duplex>;
    const dial = composeAll(clock.layer, ...layers, withTimeout({ timeoutMs }), base);

    await elapsed(clock, latency(latencyMs, random));
    let error: unknown;
    for (let number = 1; !signal.aborted; number += 1) {
      if (loop !== undefined) await elapsed(clock, loop(number, error, clock.now() - sentMs));
      try {
        (await dial("server:4222", { signal })).destroy();
        tally.back(client, clock.now());
        return;
      } catch (thrown) {
        error = thrown;
      }
    }
  };
  for (let client = 0; client < clients; client += 1) void comeBack(client);
  await clock.advance(untilMs);
  over.abort();
  return tally;
}

function elapsed(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.setTimeout(resolve, ms));
}
