import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import {
  type Address,
  compose,
  type Dialer,
  type DialTrace,
  type Middleware,
  parseTarget,
  waterfall,
  withRetry,
  withTimeout,
  withTrace,
} from "../../src/index.ts";
import { type DialRecord, maxPhases, type PhaseRecord, recordDials } from "../../src/record/dial-record.ts";
import { type FakeClock, fakeClock, scriptedDialer } from "../../src/testing.ts";
import { connection } from "../support/contract.ts";

const refused = Object.assign(new Error("connect ECONNREFUSED 10.0.0.1:5432"), { code: "ECONNREFUSED" });
const retry = withRetry({ maxAttempts: 3, backoff: "constant", initialBackoffMs: 100, jitter: "none" });

/** Records what a dialer of `layers` does in `ms`. */
async function recorded(ms: number, ...layers: [...Middleware[], Dialer<Duplex>]) {
  const clock = fakeClock();
  const records: DialRecord[] = [];
  const dial = compose(withTrace(recordDials((record) => records.push(record))), clock.layer, ...layers);
  const dialing = dial("user:secret@db:5432", { clock }).then(
    (conn) => conn.destroy(),
    () => {},
  );
  await clock.advance(ms);
  await dialing;
  assert.equal(records.length, 1);
  return records[0] as DialRecord;
}

/** A phase in short: `connect 10.0.0.1:5432 of 1, 10+20 failure refused`. */
const shown = ({ phase, subject, attempt, startMs, durationMs, outcome, reason, note }: PhaseRecord) =>
  [`${phase}${subject && ` ${subject}`} of ${attempt},`, `${startMs}+${durationMs}`, outcome, reason, note]
    .filter(Boolean)
    .join(" ");

/** A base dialer with phases of the given durations. */
function phased(play: (trace: DialTrace, wait: (ms: number) => Promise<void>) => Promise<void>): Dialer<Duplex> {
  return async (_target, { trace = {}, clock } = {}) => {
    await play(trace, (ms) => new Promise((resolve) => void clock?.setTimeout(resolve, ms)));
    return connection();
  };
}

const v4: Address = { address: "10.0.0.1", port: 5432, family: "ipv4" };
const v6: Address = { address: "fd00::1", port: 5432, family: "ipv6" };
const good = (durationMs: number) => ({ durationMs, outcome: "success" }) as const;
const bad = (durationMs: number) => ({ durationMs, outcome: "failure", reason: "refused", error: refused }) as const;

test("a record has the phases of the dial with their start times and durations", async () => {
  const base = phased(async (trace, wait) => {
    trace.dnsStart?.({ host: "db" });
    await wait(10);
    trace.dnsDone?.({ host: "db", addresses: [v6, v4], ...good(10) });
    trace.connectStart?.({ address: v6 });
    await wait(5);
    trace.connectStart?.({ address: v4 });
    await wait(20);
    trace.connectDone?.({ address: v6, ...bad(25) });
    trace.connectDone?.({ address: v4, ...good(20) });
    trace.proxyStart?.({ type: "http", proxy: { toString: () => "proxy:3128" } as never });
    await wait(3);
    trace.proxyDone?.({ type: "http", proxy: {} as never, ...good(3) });
    trace.tlsHandshakeStart?.({ serverName: "db" });
    await wait(30);
    trace.tlsHandshakeDone?.({ serverName: "db", protocol: "TLSv1.3", resumed: true, ...good(30) });
    const target = {} as never;
    trace.handshakeStart?.({ target, attempt: 1 });
    await wait(2);
    trace.handshakeDone?.({ target, attempt: 1, protocol: { name: "nats" }, ...good(2) });
  });
  const record = await recorded(1000, base);
  assert.deepEqual(record.phases.map(shown), [
    "attempt of 1, 0+70 success",
    "dns db of 1, 0+10 success 2 addresses",
    "connect [fd00::1]:5432 of 1, 10+25 failure refused",
    "connect 10.0.0.1:5432 of 1, 15+20 success",
    "proxy http proxy:3128 of 1, 35+3 success",
    "tls db of 1, 38+30 success TLSv1.3, resumed",
    "handshake nats of 1, 68+2 success",
  ]);
  assert.equal(String(record.target), "db:5432");
  assert.equal(record.durationMs, 70);
  assert.equal(record.outcome, "success");
  assert.equal(record.attempts, 1);
  assert.equal(record.message, "");
  assert.equal(record.background, false);
  assert.ok(Math.abs(record.startedAt - Date.now()) < 60_000);
});

test("a record has attempts and waits in order, and a wait has the reason of the failure before it", async () => {
  const record = await recorded(1000, retry, scriptedDialer([refused, refused, "connect"]));
  assert.deepEqual(record.phases.map(shown), [
    "attempt of 1, 0+0 failure refused",
    "wait of 1, 0+100 success refused",
    "attempt of 2, 100+0 failure refused",
    "wait of 2, 100+100 success refused",
    "attempt of 3, 200+0 success",
  ]);
  assert.equal(record.attempts, 3);
  assert.equal(record.outcome, "success");
});

test("a wait before the first attempt is recorded as attempt 0 without a reason", async () => {
  const starting = withRetry({ backoff: () => 50, backoffBeforeFirst: true });
  const record = await recorded(1000, starting, scriptedDialer(["connect"]));
  assert.deepEqual(record.phases.map(shown), ["wait of 0, 0+50 success", "attempt of 1, 50+0 success"]);
  const cut = await recorded(1000, withTimeout({ timeoutMs: 30 }), starting, scriptedDialer(["connect"]));
  assert.deepEqual(cut.phases.map(shown), ["wait of 0, 0+30 failure timeout"]);
});

test("the record of a failed dial has the reason and the message", async () => {
  const record = await recorded(1000, retry, scriptedDialer([refused]));
  assert.equal(record.outcome, "failure");
  assert.equal(record.reason, "refused");
  assert.equal(record.message, "dial db:5432 failed after 3 attempts: connect ECONNREFUSED 10.0.0.1:5432");
});

test("phases interrupted by a timeout are recorded as ended by the timeout", async () => {
  const hanging = phased(async (trace, wait) => {
    trace.connectStart?.({ address: v4 });
    await wait(10_000);
  });
  const record = await recorded(20_000, withTimeout({ timeoutMs: 250 }), hanging);
  assert.deepEqual(record.phases.map(shown), [
    "attempt of 1, 0+250 failure timeout",
    "connect 10.0.0.1:5432 of 1, 0+250 failure timeout",
  ]);
});

test("a wait interrupted by a timeout is recorded with its actual duration", async () => {
  // A timeout that withRetry does not know of: withRetry skips a delay that would exceed a known deadline.
  const bound: Middleware = (next) => (target, options) => {
    const controller = new AbortController();
    options?.clock?.setTimeout(() => controller.abort(new DOMException("too late", "TimeoutError")), 130);
    return next(target, { ...options, signal: controller.signal });
  };
  const record = await recorded(1000, bound, retry, scriptedDialer([refused]));
  assert.deepEqual(record.phases.map(shown), [
    "attempt of 1, 0+0 failure refused",
    "wait of 1, 0+100 success refused",
    "attempt of 2, 100+0 failure refused",
    "wait of 2, 100+30 failure timeout",
  ]);
});

test("events after the end of a dial do not change its record", async () => {
  let late: DialTrace = {};
  const record = await recorded(
    1000,
    phased(async (trace) => {
      late = trace;
    }),
  );
  late.connectStart?.({ address: v4 });
  late.connectDone?.({ address: v4, ...good(1) });
  late.dnsDone?.({ host: "db", addresses: [], ...good(1) });
  assert.deepEqual(record.phases.map(shown), ["attempt of 1, 0+0 success"]);
});

test("an observer below withRetry records each attempt as a separate dial with its attempt number", async () => {
  const clock: FakeClock = fakeClock();
  const records: DialRecord[] = [];
  const dial = compose(
    retry,
    withTrace(recordDials((record) => records.push(record))),
    scriptedDialer([refused, "connect"]),
  );
  const dialing = dial("db:5432", { clock });
  await clock.advance(1000);
  (await dialing).destroy();
  assert.deepEqual(
    records.map(({ attempts, phases }) => [attempts, ...phases.map(shown)]),
    [
      [1, "attempt of 1, 0+0 failure refused"],
      [1, "attempt of 2, 0+0 success"],
    ],
  );
});

test("a record has a bounded size for any number of attempts and any error message", async () => {
  const long = new Error("x".repeat(100_000));
  const endless = withRetry({ maxAttempts: 200, backoff: () => 1 });
  const record = await recorded(1000, endless, scriptedDialer([long]));
  assert.equal(record.phases.length, maxPhases);
  assert.equal(record.droppedPhases, 200 + 199 - maxPhases);
  assert.equal(record.phases.at(-1)?.attempt, 200);
  assert.equal(record.message.length, 301);
});

test("a record has waits at limits, and the target of an attempt if a layer chose another", async () => {
  const limited: Middleware = (next) => async (target, options) => {
    await new Promise<void>((resolve) => void options?.clock?.setTimeout(resolve, 30));
    options?.trace?.limitWait?.({ target: parseTarget("db:5432"), limit: "rate", ...good(30) });
    return next(target, options);
  };
  const elsewhere: Middleware = (next) => (_target, options) => next("replica:5432", options);
  const record = await recorded(100, limited, elsewhere, scriptedDialer());
  assert.deepEqual(record.phases.map(shown), [
    "wait of 0, 0+30 success rate limit",
    "attempt replica:5432 of 1, 30+0 success",
  ]);
  assert.match(waterfall(record, { columns: 70 }), /wait .* rate limit\n└─ attempt 1 replica:5432/);
});
