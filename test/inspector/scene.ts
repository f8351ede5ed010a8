// Longer than other files: it is mostly the data of the simulated dials.
import { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { ClientTrace, ObservedClient } from "../../src/client/client-trace.ts";
import {
  type Address,
  compose,
  DialError,
  type Dialer,
  type DialTrace,
  type Ended,
  type Middleware,
  parseTarget,
  withRetry,
  withTimeout,
} from "../../src/index.ts";
import type { Inspector } from "../../src/inspector.ts";
import { scriptedDialer } from "../../src/testing.ts";

/** One step of a simulated dial: its duration and its error, if it fails. */
type Step =
  | { readonly dns: string; readonly addresses: readonly string[]; readonly ms: number; readonly error?: Error }
  | { readonly connect: string; readonly ms: number; readonly error?: Error; readonly after?: number }
  | {
      readonly race: readonly {
        readonly connect: string;
        readonly ms: number;
        readonly error?: Error;
        readonly after?: number;
      }[];
    }
  | { readonly proxy: string; readonly ms: number; readonly error?: Error }
  | { readonly tls: string; readonly ms: number; readonly resumed?: boolean; readonly error?: Error }
  | { readonly handshake: string; readonly ms: number; readonly error?: Error };

const coded = (code: string, message: string) => Object.assign(new Error(message), { code });
export const refused = (address: string) => coded("ECONNREFUSED", `connect ECONNREFUSED ${address}`);
export const unreachable = (address: string) => coded("ENETUNREACH", `connect ENETUNREACH ${address}`);
export const expired = () => coded("CERT_HAS_EXPIRED", "certificate has expired");

/** A connection without a network, with the given byte counters. */
export function playedConnection(peer: string, bytesRead: number, bytesWritten: number, tls?: string): Duplex {
  const { address, port } = addressOf(peer);
  const conn = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  return Object.assign(conn, {
    remoteAddress: address,
    remotePort: port,
    bytesRead,
    bytesWritten,
    ...(tls && { getProtocol: () => tls }),
  });
}

export function addressOf(text: string): Address {
  const { host, port } = parseTarget(text);
  return { address: host, port, family: host.includes(":") ? "ipv6" : "ipv4" };
}

/** A base dialer that simulates `attempts`, repeats the last one, and then returns `conn()`. */
export function playedDialer(attempts: readonly (readonly Step[])[], conn: () => Duplex): Dialer<Duplex> {
  let calls = 0;
  return async (_target, { trace = {}, signal } = {}) => {
    const steps = attempts[Math.min(calls, attempts.length - 1)] ?? [];
    calls += 1;
    for (const step of steps) await play(step, trace, signal);
    return conn();
  };
}

async function play(step: Step, trace: DialTrace, signal: AbortSignal | undefined): Promise<void> {
  if ("race" in step) {
    const over = new AbortController();
    const either = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
    const racers = step.race.map(async (each) => {
      await sleep(each.after ?? 0);
      await play(each, trace, either);
      over.abort();
    });
    try {
      await Promise.any(racers);
    } catch (error) {
      throw (error as AggregateError).errors.at(-1);
    } finally {
      await Promise.allSettled(racers);
    }
    return;
  }
  const target = parseTarget("played:1");
  const report = phaseOf(step, trace, target);
  const startedAt = performance.now();
  try {
    await sleep(step.ms, undefined, signal && { signal });
    if (step.error) throw step.error;
    report({ durationMs: performance.now() - startedAt, outcome: "success" });
  } catch (error) {
    const durationMs = performance.now() - startedAt;
    if (signal?.aborted && !(signal.reason instanceof DialError)) report({ durationMs, outcome: "canceled", error });
    else report({ durationMs, outcome: "failure", reason: signal?.aborted ? "timeout" : reasonOf(error), error });
    throw error;
  }
}

function reasonOf(error: unknown) {
  const { code } = error as { code?: string };
  if (code === "ECONNREFUSED") return "refused";
  if (code === "ENETUNREACH") return "unreachable";
  return code === "CERT_HAS_EXPIRED" ? "tls_cert_expired" : "_OTHER";
}

/** Reports the start of a phase, and returns a function that reports its end. */
function phaseOf(step: Exclude<Step, { race: unknown }>, trace: DialTrace, target: ReturnType<typeof parseTarget>) {
  if ("dns" in step) {
    trace.dnsStart?.({ host: step.dns });
    return (end: Ended) =>
      trace.dnsDone?.({
        host: step.dns,
        addresses: step.addresses.map((each) => addressOf(each.includes(":") ? `[${each}]:1` : `${each}:1`)),
        ...end,
      });
  }
  if ("connect" in step) {
    const address = addressOf(step.connect);
    trace.connectStart?.({ address });
    return (end: Ended) => trace.connectDone?.({ address, ...end });
  }
  if ("proxy" in step) {
    const info = { type: "http", proxy: parseTarget(step.proxy) };
    trace.proxyStart?.(info);
    return (end: Ended) => trace.proxyDone?.({ ...info, ...end });
  }
  if ("tls" in step) {
    const { resumed = false } = step;
    trace.tlsHandshakeStart?.({ serverName: step.tls });
    return (end: Ended) =>
      trace.tlsHandshakeDone?.({
        serverName: step.tls,
        ...(end.outcome === "success" && { protocol: "TLSv1.3", resumed }),
        ...end,
      });
  }
  trace.handshakeStart?.({ target, attempt: 1 });
  return (end: Ended) => trace.handshakeDone?.({ target, attempt: 1, protocol: { name: step.handshake }, ...end });
}

/** A layer that does nothing. */
export const noLayer: Middleware = (next) => next;

/** Simulates a fleet of dialers with various failures, in about two seconds. */
export async function playScene(page: Inspector, above = noLayer): Promise<void> {
  const retry = (maxAttempts: number): Middleware =>
    withRetry({ maxAttempts, initialBackoffMs: 90, backoff: "constant", jitter: "none" });
  const run = (
    name: string,
    target: string,
    attempts: readonly (readonly Step[])[],
    conn: () => Duplex,
    layers: Middleware[] = [],
  ) => {
    const all = [above, page.observe({ name }), ...layers];
    const base = playedDialer(attempts, conn);
    return compose(...(all as [Middleware]), base)(target).catch(() => undefined);
  };

  const nats = () => playedConnection("10.0.3.11:4222", 48_213_377, 9_120_410, "TLSv1.3");
  const db = () => playedConnection("10.0.7.20:5432", 1_204_882, 88_310, "TLSv1.3");
  const idleDb = () => playedConnection("10.0.7.20:5432", 20_418, 4_102, "TLSv1.3");
  const api = () => playedConnection("10.9.0.4:3128", 6_204, 1_311, "TLSv1.3");
  const dns = { dns: "db.orders.internal", addresses: ["10.0.7.20", "10.0.7.21"], ms: 6 };
  const quick: Step[] = [
    dns,
    { connect: "10.0.7.20:5432", ms: 4 },
    { tls: "db.orders.internal", ms: 9, resumed: true },
  ];

  for (let index = 0; index < 6; index += 1) {
    const conn = await run("orders", "db.orders.internal:5432", [quick], index < 3 ? db : idleDb);
    if (index % 2 === 0) conn?.destroy();
  }
  await Promise.all([
    run(
      "events",
      "nats://nats.internal",
      [
        [
          { dns: "nats.internal", addresses: ["fd00:3::11", "10.0.3.11"], ms: 24 },
          {
            race: [
              { connect: "[fd00:3::11]:4222", ms: 150, error: unreachable("fd00:3::11:4222") },
              { connect: "10.0.3.11:4222", ms: 18, after: 60 },
            ],
          },
          { tls: "nats.internal", ms: 55 },
          { handshake: "nats", ms: 21 },
        ],
      ],
      nats,
    ),
    run(
      "orders",
      "db.orders.internal:5432",
      [
        [
          dns,
          {
            race: [
              { connect: "10.0.7.20:5432", ms: 12, error: refused("10.0.7.20:5432") },
              { connect: "10.0.7.21:5432", ms: 31, after: 12, error: refused("10.0.7.21:5432") },
            ],
          },
        ],
        [dns, { connect: "10.0.7.20:5432", ms: 220 }],
        [
          dns,
          { connect: "10.0.7.20:5432", ms: 14 },
          { tls: "db.orders.internal", ms: 62 },
          { handshake: "postgresql", ms: 18 },
        ],
      ],
      db,
      [withTimeout({ timeoutMs: 2_000 }), retry(4), withTimeout({ timeoutMs: 160 })],
    ),
    run(
      "payments",
      "https://api.payments.example",
      [
        [
          { dns: "proxy.internal", addresses: ["10.9.0.4"], ms: 8 },
          { connect: "10.9.0.4:3128", ms: 6 },
          { proxy: "proxy.internal:3128", ms: 48 },
          { tls: "api.payments.example", ms: 74 },
        ],
      ],
      api,
    ),
    run("legacy", "10.0.9.9:6379", [[{ connect: "10.0.9.9:6379", ms: 7, error: refused("10.0.9.9:6379") }]], db, [
      retry(3),
    ]),
  ]);
  await run(
    "payments",
    "https://api.payments.example",
    [
      [
        { dns: "proxy.internal", addresses: ["10.9.0.4"], ms: 5 },
        { connect: "10.9.0.4:3128", ms: 6 },
        { proxy: "proxy.internal:3128", ms: 31 },
        { tls: "api.payments.example", ms: 52, error: expired() },
      ],
    ],
    api,
  );
  await run("legacy", "10.0.9.9:6379", [[{ connect: "10.0.9.9:6379", ms: 400 }]], db, [
    withTimeout({ timeoutMs: 250 }),
  ]);
  for (let index = 0; index < 4; index += 1) await run("orders", "db.orders.internal:5432", [quick], idleDb);
}

/** Shows `page` a client that has reconnected once. */
export function playClient(page: Inspector): ClientTrace {
  const stats = {
    inMsgs: 118_402,
    outMsgs: 20_311,
    inBytes: 48_213_377,
    outBytes: 9_120_410,
    configuredServers: 2,
    discoveredServers: 1,
    bufferedBytes: 0,
  };
  const client: ObservedClient = { name: "orders-worker", stats: () => stats };
  const hooks = page.client()(client) ?? {};
  hooks.stateChange?.({ state: "connecting", previous: undefined });
  hooks.connect?.({ server: "10.0.3.10:4222", identity: { version: "2.9.10" } });
  hooks.stateChange?.({ state: "connected", previous: "connecting" });
  hooks.disconnect?.({ server: "10.0.3.10:4222", reason: "remote" });
  hooks.stateChange?.({ state: "reconnecting", previous: "connected" });
  hooks.reconnectAttempt?.({ server: "10.0.3.11:4222", attempt: 1 });
  hooks.reconnect?.({ server: "10.0.3.11:4222", identity: { version: "2.9.10" }, outageMs: 840, attempts: 1 });
  hooks.stateChange?.({ state: "connected", previous: "reconnecting" });
  hooks.rtt?.({ durationMs: 1.4 });
  return hooks;
}

/** Simulates the previous ten minutes, with many successful dials and one outage. The wall clock is set back meanwhile. */
export async function playHistory(page: Inspector): Promise<void> {
  const now = Date.now;
  const startedAt = now();
  const names = ["orders", "events", "payments", "legacy"];
  const error = refused("10.0.9.9:6379");
  try {
    for (let second = 590; second > 3; second -= 1) {
      Date.now = () => startedAt - second * 1000;
      for (const [index, name] of names.entries()) {
        const wave = 3 + Math.round(2 * Math.sin(second / 55 + index));
        const count = index === 0 ? wave : (second + index) % (4 * index) === 0 ? 1 : 0;
        const fails =
          (name === "legacy" && second < 320) ||
          (name === "orders" && second > 200 && second < 236 && second % 3 === 0);
        const base = fails
          ? scriptedDialer([error])
          : scriptedDialer([async () => playedConnection("10.0.7.20:5432", 20_418, 4_102)]);
        const dial = compose(page.observe({ name }), base);
        for (let each = 0; each < count; each += 1) (await dial("10.0.9.9:6379").catch(() => undefined))?.destroy();
      }
    }
  } finally {
    Date.now = now;
  }
}
