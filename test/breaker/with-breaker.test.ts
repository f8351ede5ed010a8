import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { describe, test } from "node:test";
import { ConsecutiveBreaker, SamplingBreaker } from "cockatiel";
import { BreakerOpenError, type BreakerOptions, withBreaker } from "../../src/breaker.ts";
import {
  type BreakerChangeInfo,
  compose,
  DialError,
  type DialTrace,
  parseTarget,
  reasons,
  withRetry,
  withTimeout,
  withTrace,
} from "../../src/index.ts";
import { fakeClock, type Step, scriptedDialer } from "../../src/testing.ts";
import { connection, decoratorContract, deferred, record, turns } from "../support/contract.ts";

decoratorContract("withBreaker", () => withBreaker({ breaker: { consecutive: 1 } }));
decoratorContract("withBreaker, each dial being a probe", () => {
  const breaker = withBreaker({ breaker: { consecutive: 1 }, halfOpenAfterMs: () => 0 });
  const failing = breaker(() => Promise.reject(refused));
  return (next) => {
    const probing = breaker(next);
    return async (target, options) => {
      await assert.rejects(failing(target, { clock: options?.clock }));
      return probing(target, options);
    };
  };
});

const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });

/** A breaker over a scripted dialer, with its clock and the calls of its hook. */
function built(options: Partial<BreakerOptions> = {}, steps: readonly Step[] = [refused]) {
  const clock = fakeClock();
  const base = scriptedDialer(steps);
  const breaker = withBreaker({ breaker: { consecutive: 3 }, halfOpenAfterMs: 1000, ...options });
  const changes: string[] = [];
  const trace: DialTrace = {
    breakerChange: ({ target, state, previous }: BreakerChangeInfo) =>
      void changes.push(`${target} ${previous} > ${state}`),
  };
  const composed = compose(clock.layer, breaker, base);
  /** Dials, and returns the result: `connected`, or the reason. */
  const dial = async (target = "h:1", signal?: AbortSignal): Promise<string> => {
    try {
      (await composed(target, { trace, signal })).destroy();
      return "connected";
    } catch (error) {
      return error instanceof DialError ? error.reason : String(error);
    }
  };
  const dials = async (count: number, target?: string) => {
    const ended: string[] = [];
    for (let each = 0; each < count; each += 1) ended.push(await dial(target));
    return ended;
  };
  return { clock, base, breaker, changes, composed, dial, dials, trace };
}

/** A breaker that was opened by three failures and whose wait has ended: the next dial is the probe. */
async function halfOpen(steps: readonly Step[], options: Partial<BreakerOptions> = {}) {
  const all = built(options, [refused, refused, refused, ...steps]);
  await all.dials(3);
  await all.clock.advance(1000);
  all.changes.length = 0;
  return all;
}

async function rejection(dialing: Promise<unknown>): Promise<BreakerOpenError> {
  const error = await dialing.then(
    () => assert.fail("must be rejected"),
    (error) => error,
  );
  assert.ok(error instanceof BreakerOpenError, String(error));
  return error;
}

describe("the states of a breaker", () => {
  test("a closed breaker admits all dials", async () => {
    const { base, dials, breaker, changes } = built({}, ["connect"]);
    assert.deepEqual(new Set(await dials(20)), new Set(["connected"]));
    assert.equal(base.calls.length, 20);
    assert.equal(breaker.state("h:1"), "closed");
    assert.deepEqual(changes, []);
  });

  test("a breaker opens after consecutive failures, and then nothing is dialed", async () => {
    const { base, dials, breaker, changes } = built();
    assert.deepEqual(await dials(5), ["refused", "refused", "refused", "circuit_open", "circuit_open"]);
    assert.equal(base.calls.length, 3);
    assert.equal(breaker.state("h:1"), "open");
    assert.deepEqual(changes, ["h:1 closed > open"]);
  });

  test("a success resets the count of consecutive failures", async () => {
    const { dials, breaker } = built({}, [refused, refused, "connect", refused, refused, "connect"]);
    await dials(9);
    assert.equal(breaker.state("h:1"), "closed");
  });

  test("a breaker stays open for its wait, then admits a probe, and closes when the probe connects", async () => {
    const { clock, base, dial, dials, breaker, changes } = built({}, [refused, refused, refused, "connect"]);
    await dials(3);
    await clock.advance(999);
    assert.equal(await dial(), "circuit_open");
    await clock.advance(1);
    assert.equal(breaker.state("h:1"), "open", "nothing happens before a dial comes");
    assert.equal(await dial(), "connected");
    assert.equal(breaker.state("h:1"), "closed");
    assert.equal(base.calls.length, 4);
    assert.deepEqual(changes, ["h:1 closed > open", "h:1 open > half_open", "h:1 half_open > closed"]);
  });

  test("a breaker reopens when the probe fails, and passes the number of openings to halfOpenAfterMs", async () => {
    const asked: unknown[] = [];
    const halfOpenAfterMs = (attempt: number, error: unknown) => {
      asked.push([attempt, (error as DialError).cause]);
      return attempt * 100;
    };
    const { clock, dial, dials, changes } = built({ halfOpenAfterMs }, [
      ...Array<Step>(5).fill(refused),
      "connect",
      refused,
    ]);
    await dials(3);
    for (const wait of [100, 200, 300]) {
      await clock.advance(wait - 1);
      assert.equal(await dial(), "circuit_open");
      await clock.advance(1);
      assert.equal(await dial(), wait === 300 ? "connected" : "refused");
    }
    await dials(3);
    assert.deepEqual(asked, [
      [1, refused],
      [2, refused],
      [3, refused],
      [1, refused],
    ]);
    const cycle = ["h:1 open > half_open", "h:1 half_open > open"];
    const closed = ["h:1 open > half_open", "h:1 half_open > closed", "h:1 closed > open"];
    assert.deepEqual(changes, ["h:1 closed > open", ...cycle, ...cycle, ...closed]);
  });

  test("a breaker affects its own target only, whatever form the target has", async () => {
    const { dial, dials, breaker, base } = built();
    await dials(3, "a:4222");
    assert.equal(await dial("nats://user:secret@a"), "circuit_open");
    assert.equal(await dial("b:4222"), "refused");
    assert.equal(await dial("a:4223"), "refused");
    assert.equal(base.calls.length, 5);
    assert.deepEqual(breaker.states(), [
      { target: "a:4222", state: "open", isolated: false },
      { target: "b:4222", state: "closed", isolated: false },
      { target: "a:4223", state: "closed", isolated: false },
    ]);
    assert.equal(breaker.state({ host: "a", port: 4222 }), "open");
    assert.equal(breaker.state("never:1"), "closed");
  });

  test("compositions with the same breaker layer share its breakers", async () => {
    const { dials, breaker, clock } = built();
    await dials(3);
    const other = compose(clock.layer, breaker, scriptedDialer());
    await rejection(other("h:1"));
  });

  test("a breaker counts a failed handshake", async () => {
    const { composed, breaker } = built({ breaker: { consecutive: 1 } }, ["connect"]);
    const handshake = () => Promise.reject(new DialError("hung up", { reason: "handshake_closed" }));
    await assert.rejects(composed("h:1", { handshake }), { reason: "handshake_closed" });
    assert.equal(breaker.state("h:1"), "open");
  });

  test("a breaker works over a user's dialer without compose", async () => {
    const breaker = withBreaker({ breaker: { consecutive: 1 }, halfOpenAfterMs: 1000 });
    const bare = breaker(scriptedDialer([refused]));
    const clock = fakeClock();
    await assert.rejects(bare("h:1", { clock }), (error) => error === refused);
    const error = await rejection(bare("h:1", { clock }));
    assert.deepEqual([error.attempts, error.attemptCount, error.cause], [[], 0, refused]);
  });
});

describe("BreakerOpenError", () => {
  test("BreakerOpenError has the target, the reason, the wait and the failure that opened the breaker", async () => {
    const { clock, composed, dials, trace } = built();
    await dials(3);
    await clock.advance(250.5);
    const error = await rejection(composed("u:secret@h:1", { trace }));
    const { name, message, reason, target, retryAfterMs, code, attempts, attemptCount } = error;
    assert.deepEqual(
      { name, message, reason, target, retryAfterMs, code, attempts, attemptCount },
      {
        name: "BreakerOpenError",
        message: "dial h:1: its breaker is open for another 750 ms: connect ECONNREFUSED",
        reason: "circuit_open",
        target: "h:1",
        retryAfterMs: 750,
        code: "ECONNREFUSED",
        attempts: [],
        attemptCount: 0,
      },
    );
    assert.ok(error instanceof DialError);
    assert.ok(error.cause instanceof DialError);
    assert.equal(error.cause.cause, refused);
  });

  test("a probe is admitted after retryAfterMs of a BreakerOpenError, not before", async () => {
    const { clock, composed, dial, dials } = built({ halfOpenAfterMs: 777 });
    await dials(3);
    await clock.advance(123);
    const { retryAfterMs } = await rejection(composed("h:1"));
    assert.equal(retryAfterMs, 654);
    await clock.advance(653);
    assert.equal(await dial(), "circuit_open");
    await clock.advance(1);
    assert.equal(await dial(), "refused");
  });

  test("retryAfterMs is undefined while a probe is in progress and when the breaker is isolated", async () => {
    const { composed, breaker, dial } = await halfOpen(["hang"]);
    const controller = new AbortController();
    const probing = dial("h:1", controller.signal);
    const during = await rejection(composed("h:1"));
    assert.equal(during.retryAfterMs, undefined);
    assert.equal(
      during.message,
      "dial h:1: its breaker is half open, and its probe is in progress: connect ECONNREFUSED",
    );
    controller.abort();
    await probing;
    breaker.isolate("h:1");
    const isolated = await rejection(composed("h:1"));
    assert.deepEqual(
      [isolated.retryAfterMs, isolated.message, isolated.cause, isolated.code],
      [undefined, "dial h:1: its breaker is isolated", undefined, "ERR_DIAL_CIRCUIT_OPEN"],
    );
  });

  test("withRetry retries a BreakerOpenError only when shouldRetry returns true", async () => {
    const { clock, breaker, base, dials } = built();
    await dials(3);
    const told: string[] = [];
    const hooks = withTrace({ retryExhausted: ({ cause, reason }) => told.push(`${cause} ${reason}`) });
    const patient = withRetry({
      shouldRetry: () => true,
      backoff: (_attempt, error) => (error instanceof BreakerOpenError ? (error.retryAfterMs ?? 100) : 100),
    });
    await rejection(compose(clock.layer, hooks, withRetry(), breaker, base)("h:1"));
    assert.deepEqual(told, ["non_retryable circuit_open"]);
    assert.equal(base.calls.length, 3);
    const connecting = compose(clock.layer, patient, breaker, scriptedDialer())("h:1");
    await clock.advance(1000);
    (await connecting).destroy();
  });

  test("BreakerOpenError has the failed attempts of its dial, below a retry", async () => {
    const { clock, breaker, base } = built();
    const retry = withRetry({
      maxAttempts: 9,
      backoff: () => 0,
      shouldRetry: (error) => !(error instanceof BreakerOpenError),
    });
    const errors: unknown[] = [];
    const seen = withTrace({ dialDone: ({ error }) => errors.push(error) });
    const dialing = assert.rejects(compose(clock.layer, retry, seen, breaker, base)("h:1"), {
      reason: "circuit_open",
      attemptCount: 3,
    });
    await clock.advance(10);
    await dialing;
    const last = errors.at(-1);
    assert.ok(last instanceof BreakerOpenError);
    assert.deepEqual([last.attempts.length, last.attemptCount], [3, 3]);
  });

  test("the causes of a BreakerOpenError do not grow with each opening", async () => {
    const { clock, composed, dials } = built({ countsAsFailure: () => true });
    await dials(3);
    for (let round = 0; round < 100; round += 1) {
      await clock.advance(1000);
      await assert.rejects(composed("h:1"), { reason: "refused" });
      await rejection(composed("h:1"));
    }
    let depth = 0;
    for (let error: unknown = await rejection(composed("h:1")); error instanceof Error; error = error.cause) depth += 1;
    assert.equal(depth, 3);
  });
});

describe("a half-open breaker", () => {
  test("a half-open breaker admits one probe and rejects all other dials until it has ended", async () => {
    const probe = deferred<Duplex>();
    const { base, dial, dials, changes, breaker } = await halfOpen([() => probe.promise, "connect"]);
    const probing = dial();
    assert.deepEqual(await dials(10), Array(10).fill("circuit_open"));
    assert.equal(breaker.state("h:1"), "half_open");
    assert.equal(base.calls.length, 4);
    probe.resolve(connection());
    assert.equal(await probing, "connected");
    assert.equal(await dial(), "connected");
    assert.deepEqual(changes, ["h:1 open > half_open", "h:1 half_open > closed"]);
  });

  test("a half-open breaker admits one of many simultaneous dials", async () => {
    const { base, dial } = await halfOpen(["connect"]);
    const ended = await Promise.all(Array.from({ length: 50 }, () => dial()));
    assert.equal(base.calls.length, 4);
    assert.equal(ended.filter((each) => each === "connected").length, 1);
  });

  test("a half-open breaker stays half open when its probe is aborted, and the next dial is the probe", async () => {
    const { base, dial, changes, breaker } = await halfOpen(["hang", "connect"]);
    const controller = new AbortController();
    const probing = dial("h:1", controller.signal);
    await turns();
    controller.abort("enough");
    assert.equal(await probing, "enough");
    assert.equal(breaker.state("h:1"), "half_open");
    assert.deepEqual(changes, ["h:1 open > half_open"]);
    assert.equal(await dial(), "connected");
    assert.equal(base.calls.length, 5);
    assert.deepEqual(changes, ["h:1 open > half_open", "h:1 half_open > closed"]);
  });

  test("a half-open breaker admits a new probe even when the layers below ignore the abort of the last one", async () => {
    const { breaker, clock } = await halfOpen([]);
    const late = deferred<Duplex>();
    const bare = breaker(() => late.promise);
    const controller = new AbortController();
    const probing = bare("h:1", { clock, signal: controller.signal });
    await turns();
    controller.abort("enough");
    await assert.rejects(probing, (error) => error === "enough");
    const conn = await breaker(scriptedDialer())("h:1", { clock });
    conn.destroy();
    assert.equal(breaker.state("h:1"), "closed");
    const unwanted = connection();
    late.resolve(unwanted);
    await turns();
    assert.equal(unwanted.destroyed, true);
  });

  test("a half-open breaker stays half open after a probe whose failure does not count", async () => {
    const local = new DialError("no more files", { reason: "local_resource" });
    const { dial, breaker, changes } = await halfOpen([local, "connect"]);
    assert.equal(await dial(), "local_resource");
    assert.equal(breaker.state("h:1"), "half_open");
    assert.equal(await dial(), "connected");
    assert.deepEqual(changes, ["h:1 open > half_open", "h:1 half_open > closed"]);
  });

  for (const [where, above] of [
    ["below", false],
    ["above", true],
  ] as const) {
    test(`a probe that hangs fails after a timeout ${where} the breaker`, async () => {
      const { breaker, clock, changes, trace, dial } = await halfOpen([]);
      const timeout = withTimeout({ timeoutMs: 50 });
      const hanging = scriptedDialer(["hang"]);
      const composed = above
        ? compose(clock.layer, timeout, breaker, hanging)
        : compose(clock.layer, breaker, timeout, hanging);
      const probing = assert.rejects(composed("h:1", { trace }), { reason: "timeout" });
      await clock.advance(49);
      assert.equal(await dial(), "circuit_open");
      assert.equal(breaker.state("h:1"), "half_open");
      await clock.advance(1);
      await probing;
      assert.equal(breaker.state("h:1"), "open");
      assert.deepEqual(changes, ["h:1 open > half_open", "h:1 half_open > open"]);
      assert.equal(clock.pending, 0);
    });
  }

  test("a breaker ignores the results of dials that were admitted before it opened", async () => {
    const slow = deferred<Duplex>();
    const slower = deferred<Duplex>();
    const probe = deferred<Duplex>();
    const steps = [() => slow.promise, () => slower.promise, refused, refused, refused, () => probe.promise];
    const { clock, dial, dials, breaker } = built({}, steps);
    const [first, second] = [dial(), dial()];
    await dials(3);
    await clock.advance(1000);
    const probing = dial();
    await turns();
    slow.resolve(connection());
    assert.equal(await first, "connected");
    assert.equal(breaker.state("h:1"), "half_open");
    slower.reject(refused);
    assert.equal(await second, "refused");
    assert.equal(breaker.state("h:1"), "half_open");
    assert.equal(await dial(), "circuit_open", "the probe still has its place");
    probe.resolve(connection());
    assert.equal(await probing, "connected");
    assert.equal(breaker.state("h:1"), "closed");
  });
});

describe("countsAsFailure", () => {
  const ignored =
    /^(local_resource|access_denied|config|dns_temporary|tls_client_cert|proxy_auth|auth_.*|circuit_open|pool_exhausted|no_target)$/;
  for (const reason of reasons) {
    test(`a breaker ${ignored.test(reason) ? "ignores" : "counts"} a failure with the reason ${reason} by default`, async () => {
      const { dial, breaker } = built({ breaker: { consecutive: 1 } }, [new DialError("no", { reason })]);
      assert.equal(await dial(), reason);
      assert.equal(breaker.state("h:1"), ignored.test(reason) ? "closed" : "open");
    });
  }

  test("countsAsFailure decides which failures count", async () => {
    const asked: unknown[] = [];
    const countsAsFailure = (error: unknown) => {
      asked.push((error as DialError).cause);
      return false;
    };
    const { dials, breaker } = built({ countsAsFailure });
    await dials(5);
    assert.equal(breaker.state("h:1"), "closed");
    assert.deepEqual(asked, Array(5).fill(refused));
  });

  test("a countsAsFailure that throws fails the dial with its error, and the next dial is the probe", async () => {
    let broken = false;
    const countsAsFailure = () => {
      if (broken) throw new Error("a broken function");
      return true;
    };
    const { dial, breaker } = await halfOpen([refused, "connect"], { countsAsFailure });
    broken = true;
    assert.equal(await dial(), "Error: a broken function");
    assert.equal(breaker.state("h:1"), "half_open");
    assert.equal(await dial(), "connected");
  });

  test("a caller's abort does not count, and countsAsFailure is not called for it", async () => {
    let asked = 0;
    const countsAsFailure = () => {
      asked += 1;
      return true;
    };
    const { dial, breaker } = built({ breaker: { consecutive: 1 }, countsAsFailure }, ["hang"]);
    for (const reason of [new Error("enough"), "enough", Object.assign(new Error("gone"), { code: "ECONNRESET" })]) {
      const controller = new AbortController();
      const dialing = dial("h:1", controller.signal);
      await turns();
      controller.abort(reason);
      assert.equal(await dialing, String(reason));
    }
    assert.equal(await dial("h:1", AbortSignal.abort("before")), "before");
    assert.equal(breaker.state("h:1"), "closed");
    assert.equal(asked, 0);
  });

  test("an abort does not reset the count of consecutive failures", async () => {
    const { dial, dials, breaker } = built({}, [refused, refused, "hang", refused]);
    await dials(2);
    const controller = new AbortController();
    const dialing = dial("h:1", controller.signal);
    await turns();
    controller.abort("enough");
    await dialing;
    await dials(1);
    assert.equal(breaker.state("h:1"), "open");
  });

  test("a dial with an aborted signal is not the probe", async () => {
    const { dial, breaker, changes } = await halfOpen(["connect"]);
    const bare = breaker(scriptedDialer());
    await assert.rejects(bare("h:1", { signal: AbortSignal.abort("before") }), (error) => error === "before");
    assert.equal(breaker.state("h:1"), "open");
    assert.deepEqual(changes, []);
    assert.equal(await dial(), "connected");
  });
});

describe("isolate() and reset()", () => {
  test("isolate() rejects every dial to a target until reset()", async () => {
    const { clock, base, dial, breaker, changes } = built({}, ["connect"]);
    breaker.isolate("h:1");
    assert.equal(breaker.state("h:1"), "open");
    assert.deepEqual(changes, [], "reported to the next dial");
    assert.equal(await dial(), "circuit_open");
    await clock.advance(2 ** 31);
    assert.equal(await dial(), "circuit_open");
    assert.equal(base.calls.length, 0);
    assert.equal(await dial("other:1"), "connected");
    assert.deepEqual(breaker.states()[0], { target: "h:1", state: "open", isolated: true });
    breaker.reset("h:1");
    assert.equal(breaker.state("h:1"), "closed");
    assert.deepEqual(changes, ["h:1 closed > open"]);
    assert.equal(await dial(), "connected");
    assert.equal(await dial(), "connected");
    assert.deepEqual(changes, ["h:1 closed > open", "h:1 open > closed"]);
  });

  test("isolate() without a target rejects dials to all targets until reset() without a target", async () => {
    const { dial, breaker, changes } = built({}, ["connect"]);
    await dial("a:1");
    breaker.isolate("b:1");
    breaker.isolate();
    assert.equal(await dial("a:1"), "circuit_open");
    assert.equal(await dial("b:1"), "circuit_open");
    assert.equal(await dial("new:1"), "circuit_open");
    assert.equal(breaker.state("never:1"), "open");
    for (const target of ["a:1", "b:1", "never:1"]) breaker.reset(target);
    assert.equal(await dial("a:1"), "circuit_open");
    breaker.reset();
    assert.equal(breaker.state("never:1"), "closed");
    for (const target of ["a:1", "b:1", "new:1"]) assert.equal(await dial(target), "connected");
    assert.deepEqual(changes, [
      "a:1 closed > open",
      "b:1 closed > open",
      "new:1 closed > open",
      "a:1 open > closed",
      "b:1 open > closed",
      "new:1 open > closed",
    ]);
  });

  test("reset() closes an open breaker immediately, and clears its counts and waits", async () => {
    const { clock, dial, dials, breaker, composed } = built({ halfOpenAfterMs: (attempt) => attempt * 1000 });
    await dials(3);
    await clock.advance(1000);
    await dial();
    assert.equal((await rejection(composed("h:1"))).retryAfterMs, 2000);
    breaker.reset("h:1");
    assert.deepEqual(await dials(4), ["refused", "refused", "refused", "circuit_open"]);
    assert.equal((await rejection(composed("h:1"))).retryAfterMs, 1000);
  });

  test("isolate() and reset() between two dials report no change", async () => {
    const { dial, breaker, changes } = built({}, ["connect"]);
    await dial();
    breaker.isolate("h:1");
    breaker.reset("h:1");
    await dial();
    assert.deepEqual(changes, []);
  });

  test("dials and probes in progress during isolate() or reset() do not count", async () => {
    for (const change of [(all: Built) => all.breaker.isolate("h:1"), (all: Built) => all.breaker.reset("h:1")]) {
      for (const success of [true, false]) {
        const slow = deferred<Duplex>();
        const all = await halfOpen([() => slow.promise, "connect"]);
        const probing = all.dial();
        await turns();
        change(all);
        const before = all.breaker.state("h:1");
        if (success) slow.resolve(connection());
        else slow.reject(refused);
        assert.equal(await probing, success ? "connected" : "refused");
        assert.equal(all.breaker.state("h:1"), before);
        assert.deepEqual(all.changes, ["h:1 open > half_open"]);
      }
    }
  });

  test("the end of an earlier probe does not admit a second probe besides the current one", async () => {
    const before = deferred<Duplex>();
    const after = deferred<Duplex>();
    const steps = [() => before.promise, refused, refused, refused, () => after.promise];
    const { clock, dial, dials, breaker } = await halfOpen(steps);
    const old = dial();
    breaker.reset("h:1");
    await dials(3);
    await clock.advance(1000);
    const probing = dial();
    before.resolve(connection());
    assert.equal(await old, "connected");
    assert.equal(breaker.state("h:1"), "half_open");
    assert.equal(await dial(), "circuit_open");
    after.resolve(connection());
    assert.equal(await probing, "connected");
  });

  test("reset() admits dials while a probe hangs, and the end of that probe changes nothing", async () => {
    const { dial, breaker } = await halfOpen(["hang", "connect"]);
    const controller = new AbortController();
    const hanging = dial("h:1", controller.signal);
    assert.equal(await dial(), "circuit_open");
    breaker.reset("h:1");
    assert.equal(await dial(), "connected");
    controller.abort("enough");
    assert.equal(await hanging, "enough");
    assert.equal(breaker.state("h:1"), "closed");
  });

  test("isolate() and reset() may be called in a hook", async () => {
    const { breaker, clock, composed } = await halfOpen([refused, "connect"]);
    const reset: DialTrace = { breakerChange: () => breaker.reset() };
    const isolate: DialTrace = { breakerChange: () => breaker.isolate() };
    await assert.rejects(composed("h:1", { trace: reset }), { reason: "refused" });
    assert.equal(breaker.state("h:1"), "closed");
    const events: string[] = [];
    const conn = await composed("h:1", { trace: { ...record(events, ["attemptDone"]), ...isolate } });
    conn.destroy();
    assert.deepEqual(events, ["attemptDone success"]);
    assert.equal(breaker.state("h:1"), "open");
    assert.equal(clock.pending, 0);
  });
});

type Built = ReturnType<typeof built>;

describe("breakerChange", () => {
  test("breakerChange is called once per change, with the target, the state and the previous state", async () => {
    const told: BreakerChangeInfo[] = [];
    const { clock, breaker, base } = built({ breaker: { consecutive: 1 } });
    const dial = compose(clock.layer, withTrace({ breakerChange: (info) => told.push(info) }), breaker, base);
    await assert.rejects(dial("h:1"));
    await assert.rejects(dial("h:1"));
    assert.equal(told.length, 1);
    assert.deepEqual(told[0], { target: parseTarget("h:1"), state: "open", previous: "closed" });
  });

  test("a breakerChange hook that throws does not affect the dial", async () => {
    const { composed, breaker } = built({ breaker: { consecutive: 1 } });
    const trace: DialTrace = {
      breakerChange: () => {
        throw new Error("a broken hook");
      },
    };
    await assert.rejects(composed("h:1", { trace }), { reason: "refused" });
    assert.equal(breaker.state("h:1"), "open");
  });
});

describe("maxTargets", () => {
  test("maxTargets drops the closed breaker that was dialed least recently", async () => {
    const { dial, breaker } = built({ maxTargets: 3 }, ["connect"]);
    for (const target of ["a:1", "b:1", "c:1", "a:1", "d:1"]) await dial(target);
    assert.deepEqual(names(breaker), ["c:1", "a:1", "d:1"]);
    for (let port = 1; port <= 2000; port += 1) await dial(`h:${port}`);
    assert.equal(breaker.states().length, 3);
  });

  test("maxTargets drops closed breakers before open ones", async () => {
    const { dial, dials, breaker } = built({ maxTargets: 3, breaker: { consecutive: 1 } }, [refused, "connect"]);
    await dials(1, "down:1");
    for (let port = 1; port <= 100; port += 1) await dial(`h:${port}`);
    assert.deepEqual(names(breaker), ["down:1", "h:99", "h:100"]);
    assert.equal(breaker.state("down:1"), "open");
  });

  test("maxTargets drops open breakers when none is closed, and reports each as closed", async () => {
    const { dial, breaker, changes } = built({ maxTargets: 2, breaker: { consecutive: 1 } });
    for (const target of ["a:1", "b:1", "c:1"]) await dial(target);
    assert.deepEqual(names(breaker), ["b:1", "c:1"]);
    assert.deepEqual(changes, ["a:1 closed > open", "b:1 closed > open", "a:1 open > closed", "c:1 closed > open"]);
    assert.equal(breaker.state("a:1"), "closed");
  });

  test("maxTargets never drops a breaker that is isolated by name or has a probe in progress", async () => {
    const { clock, dial, dials, breaker } = built({ maxTargets: 2 }, [refused, refused, refused, "hang", "connect"]);
    await dials(3, "probed:1");
    await clock.advance(1000);
    const controller = new AbortController();
    const probing = dial("probed:1", controller.signal);
    breaker.isolate("shut:1");
    for (let port = 1; port <= 50; port += 1) await dial(`h:${port}`);
    assert.deepEqual(names(breaker), ["probed:1", "shut:1", "h:50"]);
    controller.abort("enough");
    await probing;
    await dial("h:51");
    assert.deepEqual(names(breaker), ["shut:1", "h:51"]);
  });

  test("reset() in the hook that reports a dropped breaker does not lose the dial", async () => {
    const { clock, breaker, base } = built({ maxTargets: 1, breaker: { consecutive: 1 } });
    const reset = withTrace({ breakerChange: ({ state }) => state === "closed" && breaker.reset() });
    const dial = compose(clock.layer, reset, breaker, base);
    for (const target of ["a:1", "b:1"]) await assert.rejects(dial(target), { reason: "refused" });
    assert.deepEqual(breaker.states(), [{ target: "b:1", state: "open", isolated: false }]);
  });

  test("the result of a dial whose breaker was dropped does not count, and is not reported", async () => {
    const slow = deferred<Duplex>();
    const steps = [() => slow.promise, "connect"] as const;
    const { dial, breaker, changes } = built({ maxTargets: 1, breaker: { consecutive: 1 } }, steps);
    const slowly = dial("a:1");
    await dial("b:1");
    slow.reject(refused);
    assert.equal(await slowly, "refused");
    assert.deepEqual(names(breaker), ["b:1"]);
    assert.deepEqual(changes, []);
  });

  const names = (breaker: Built["breaker"]) => breaker.states().map(({ target }) => target);
});

describe("the waits of a breaker", () => {
  /** Returns the times that a breaker stays open, for `count` consecutive openings. */
  async function waits(options: Partial<BreakerOptions>, count: number) {
    const { clock, composed, dial } = built({ breaker: { consecutive: 1 }, halfOpenAfterMs: undefined, ...options });
    const found: number[] = [];
    for (let time = 0; time < count; time += 1) {
      assert.equal(await dial(), "refused");
      const { retryAfterMs } = await rejection(composed("h:1"));
      found.push(retryAfterMs as number);
      await clock.advance(retryAfterMs as number);
    }
    return found;
  }

  const rows: readonly (readonly [string, Partial<BreakerOptions>, readonly number[]])[] = [
    [
      "10 s doubling to 5 min with equal jitter by default, lower limit",
      { random: () => 0 },
      [5000, 10_000, 20_000, 40_000, 80_000, 150_000, 150_000],
    ],
    [
      "10 s doubling to 5 min with equal jitter by default, upper limit",
      { random: () => 1 - 2 ** -40 },
      [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000],
    ],
    ["10 s doubling without jitter", { jitter: "none" }, [10_000, 20_000, 40_000]],
    ["a constant number", { halfOpenAfterMs: 70 }, [70, 70, 70]],
    ["a number with jitter", { halfOpenAfterMs: 70, jitter: "equal", random: () => 0.5 }, [53, 53]],
    ["a user's function", { halfOpenAfterMs: (attempt) => attempt * 7 }, [7, 14, 21]],
  ];
  for (const [what, options, expected] of rows) {
    test(`a breaker stays open for its wait: ${what}`, async () =>
      assert.deepEqual(await waits(options, expected.length), expected));
  }

  test("the waits of a breaker restart when it has closed", async () => {
    const steps: Step[] = [refused, refused, "connect", refused];
    const { clock, composed, dial } = built({ breaker: { consecutive: 1 }, halfOpenAfterMs: (n) => n * 100 }, steps);
    await dial();
    await clock.advance(100);
    await dial();
    await clock.advance(200);
    await dial();
    await dial();
    assert.equal((await rejection(composed("h:1"))).retryAfterMs, 100);
  });

  test("the waits of a breaker with decorrelated jitter restart when it has closed", async () => {
    const steps: Step[] = [refused, refused, "connect", refused];
    const options = { breaker: { consecutive: 1 }, halfOpenAfterMs: undefined, jitter: "decorrelated" } as const;
    const { clock, composed, dial } = built({ ...options, random: () => 0.5 }, steps);
    await dial();
    await clock.advance(20_000);
    await dial();
    await clock.advance(35_000);
    assert.equal(await dial(), "connected");
    await dial();
    assert.equal((await rejection(composed("h:1"))).retryAfterMs, 20_000);
  });

  for (const bad of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
    test(`a halfOpenAfterMs function that returns ${bad} fails the dial with a RangeError, and the next dial is the probe`, async () => {
      const halfOpenAfterMs = (attempt: number) => (attempt === 1 ? 1000 : bad);
      const { dial, breaker } = await halfOpen([refused, "connect"], { halfOpenAfterMs });
      const said = `RangeError: withBreaker: halfOpenAfterMs(2, error) must be a number of milliseconds from 0 to 2147483647, got ${bad}`;
      assert.equal(await dial(), said);
      assert.equal(breaker.state("h:1"), "half_open");
      assert.equal(await dial(), "connected");
    });
  }
});

describe("a user's strategy", () => {
  test("a breaker rule may be a function that makes a cockatiel breaker for each target", async () => {
    let made = 0;
    const { dials, breaker } = built({
      breaker: () => {
        made += 1;
        return new ConsecutiveBreaker(2);
      },
    });
    assert.equal(made, 0);
    await dials(2, "a:1");
    await dials(1, "b:1");
    assert.equal(made, 2);
    assert.deepEqual([breaker.state("a:1"), breaker.state("b:1")], ["open", "closed"]);
    const sampling = built({ breaker: () => new SamplingBreaker({ threshold: 0.5, duration: 1000, minimumRps: 3 }) });
    assert.deepEqual(await sampling.dials(4), ["refused", "refused", "refused", "circuit_open"]);
  });

  test("a strategy that throws is ignored: the dial continues and the breaker does not change", async () => {
    const broken = () => {
      throw new Error("a broken strategy");
    };
    const { dials, base } = built({ breaker: () => ({ success: broken, failure: broken }) }, [refused, "connect"]);
    assert.deepEqual(await dials(3), ["refused", "connected", "connected"]);
    assert.equal(base.connections.filter(({ destroyed }) => !destroyed).length, 0);
  });

  test("a rule function that returns a strategy twice, or something else, fails the dial with a TypeError", async () => {
    const one = new ConsecutiveBreaker(2);
    const same = built({ breaker: () => one });
    assert.equal(await same.dial("a:1"), "refused");
    assert.equal(await same.dial("b:1"), "TypeError: withBreaker: breaker() must return a new breaker each time");
    const wrong = built({ breaker: () => 5 as never });
    const said = "TypeError: withBreaker: breaker() must return a cockatiel breaker, got 5";
    assert.equal(await wrong.dial(), said);
    assert.equal(wrong.base.calls.length, 0);
  });
});

describe("withBreaker options", () => {
  const rows: readonly (readonly [object | undefined, string, string | RegExp])[] = [
    [undefined, "TypeError", "withBreaker: options must be an object, got undefined"],
    [{}, "TypeError", "withBreaker: breaker: options must be an object, got undefined"],
    [
      { breaker: {} },
      "TypeError",
      "withBreaker: breaker must have one of consecutive, sampling, count, or be a function",
    ],
    [{ breaker: { consecutive: 5, count: {} } }, "TypeError", /^withBreaker: breaker must have one of/],
    [{ breaker: { consecutive: 0 } }, "RangeError", /^withBreaker: breaker.consecutive must be a whole .* got 0$/],
    [
      { breaker: { sampling: undefined } },
      "TypeError",
      "withBreaker: breaker.sampling: options must be an object, got undefined",
    ],
    ...[0, 1, Number.NaN, "half"].map(
      (threshold) =>
        [
          { breaker: { sampling: { threshold, durationMs: 1000, minimumRps: 1 } } },
          "RangeError",
          /^withBreaker: breaker.sampling.threshold must be a number between 0 and 1, got /,
        ] as const,
    ),
    [
      { breaker: { sampling: { threshold: 0.5, durationMs: 0, minimumRps: 1 } } },
      "RangeError",
      /sampling.durationMs .* got 0$/,
    ],
    [
      { breaker: { sampling: { threshold: 0.5, durationMs: 10 } } },
      "RangeError",
      /sampling.minimumRps .* got undefined$/,
    ],
    [{ breaker: { sampling: { threshold: 0.5, duration: 10 } } }, "TypeError", /unknown option duration/],
    [{ breaker: { count: { threshold: 2, size: 5 } } }, "RangeError", /count.threshold .* got 2$/],
    [
      { breaker: { count: { threshold: 0.5, size: Number.POSITIVE_INFINITY } } },
      "RangeError",
      /count.size .* got Infinity$/,
    ],
    [{ breaker: { count: { threshold: 0.5, size: 5, minimumNumberOfCalls: 6 } } }, "RangeError", /from 1 to 5, got 6$/],
    [{ breaker: { consecutive: 1 }, halfOpenAfterMs: 0 }, "RangeError", /^withBreaker: halfOpenAfterMs .* got 0$/],
    [{ breaker: { consecutive: 1 }, jitter: "some" }, "RangeError", /^withBreaker: jitter .* got "some"$/],
    [
      { breaker: { consecutive: 1 }, halfOpenAfterMs: () => 1, jitter: "full" },
      "TypeError",
      /^withBreaker: jitter has no effect/,
    ],
    [{ breaker: { consecutive: 1 }, random: 5 }, "TypeError", "withBreaker: random must be a function, got 5"],
    [
      { breaker: { consecutive: 1 }, countsAsFailure: 5 },
      "TypeError",
      "withBreaker: countsAsFailure must be a function, got 5",
    ],
    [{ breaker: { consecutive: 1 }, maxTargets: 0 }, "RangeError", /^withBreaker: maxTargets .* got 0$/],
    [
      { breaker: { consecutive: 1 }, maxTarget: 5 },
      "TypeError",
      /^withBreaker: unknown option maxTarget; did you mean maxTargets\?$/,
    ],
  ];
  for (const [options, name, message] of rows) {
    test(`withBreaker refuses options at construction: ${JSON.stringify(options)}, ${message}`, () => {
      assert.throws(() => withBreaker(options as never), { name, message });
    });
  }

  test("state(), isolate() and reset() reject malformed targets", () => {
    const { breaker } = built();
    for (const method of ["state", "isolate", "reset"] as const) {
      assert.throws(() => breaker[method]("no port"), { code: "ERR_INVALID_TARGET" });
    }
  });
});
