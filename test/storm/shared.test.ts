import { test } from "node:test";
import { withBreaker } from "../../src/breaker.ts";
import { type Clock, type Middleware, retryBudget, withRateLimit, withRetry } from "../../src/index.ts";
import { reconnectDelay } from "../../src/nats/reconnect-delay.ts";
import { budgeted, gated, nested, paced } from "../bench/storm/shared-strategies.js";
import { simulate } from "../bench/storm/simulate.js";
import { full, nats } from "../bench/storm/strategies.js";
import { Streams } from "../bench/storm/streams.js";
import { realStorm } from "./real-storm.ts";
import { assertAlike, assertSame, setting } from "./same.ts";

const perProcess = 100;

test("1,000 real clients with shared retry budgets produce the same storm as the simulation", async () => {
  const simulated = simulate({ ...setting, strategy: budgeted(nested, { minPerSecond: 1 }) });
  const budgetOf = oneOfProcess((clock) => retryBudget({ minPerSecond: 1, clock }));
  const real = await realStorm(setting, (client, random, clock) => ({
    layers: [withRetry({ budget: budgetOf(client, clock), random })],
    loop: reconnectDelay({}, random),
  }));
  assertSame(real, simulated);
});

test("1,000 real clients with shared breakers produce the same storm as the simulation", async () => {
  const seed = 3;
  const simulated = simulate({ ...setting, strategy: gated(nats, seed) });
  const breakerOf = oneOfProcess((_, process) =>
    withBreaker({ breaker: { consecutive: 5 }, random: new Streams(1, seed + process).next }),
  );
  const real = await realStorm(setting, (client, random, clock) => ({
    layers: [breakerOf(client, clock)],
    loop: reconnectDelay({}, random),
  }));
  assertSame(real, simulated);
});

test("1,000 real clients with shared rate limits produce nearly the same storm as the simulation", async () => {
  const longer = { ...setting, server: { ...setting.server, backlog: 100 }, untilMs: 30_000 };
  const simulated = simulate({ ...longer, strategy: paced(full, 30) });
  const limitOf = oneOfProcess((): Middleware => withRateLimit({ dialsPerSecond: 30 }));
  const real = await realStorm(longer, (client, random, clock) => ({
    layers: [withRetry({ maxAttempts: Number.POSITIVE_INFINITY, random }), limitOf(client, clock)],
  }));
  // The layer's timers have whole milliseconds, so its attempts are a little late, and later their order differs.
  assertAlike(real, simulated, 0.03);
});

/** Creates one value per process. */
function oneOfProcess<T>(make: (clock: Clock, process: number) => T): (client: number, clock: Clock) => T {
  const made = new Map<number, T>();
  return (client, clock) => {
    const process = Math.floor(client / perProcess);
    const one = made.get(process) ?? make(clock, process);
    made.set(process, one);
    return one;
  };
}
