import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { Duplex } from "node:stream";
import { describe, test } from "node:test";
import { withBreaker } from "../../src/breaker.ts";
import {
  compose,
  DialError,
  type Dialer,
  type DialOptions,
  type FailoverInfo,
  type FailoverOptions,
  type Middleware,
  NoTargetError,
  type RetryOptions,
  type Target,
  type TargetList,
  tcp,
  withFailover,
  withRetry,
  withTimeout,
} from "../../src/index.ts";
import { fakeClock } from "../../src/testing.ts";
import { connection, type Deferred, deferred, turns } from "../support/contract.ts";
import { goodPeer, peer } from "../support/peers.ts";
import { seededRandom } from "../support/random.ts";
import { until } from "../support/resources.ts";

const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });

/** A base dialer over several targets: those in `down` refuse connections. */
function fleet(down = new Set<string>()) {
  const calls: string[] = [];
  const connections: Duplex[] = [];
  const base: Dialer<Duplex> = async (target) => {
    calls.push(String(target));
    if (down.has(String(target))) throw refused;
    const conn = connection();
    connections.push(conn);
    return conn;
  };
  return { base, calls, connections, down };
}

const abc = ["a:1", "b:1", "c:1"];
const eager = (options: RetryOptions = {}) => withRetry({ backoff: () => 0, ...options });

/** Dials until the dial ends. */
async function dialed(dial: Dialer<Duplex>, clock = fakeClock(), options: DialOptions<Duplex> = {}): Promise<unknown> {
  const dialing = dial("orders:4222", { clock, ...options }).then(
    (conn) => conn,
    (error) => error,
  );
  for (let wait = 0; wait < 20; wait += 1) await clock.advance(0);
  return dialing;
}

/** An async iterable of lists that a test fills. */
function pushed() {
  let next: Deferred<IteratorResult<TargetList>> = deferred();
  const queue: Deferred<IteratorResult<TargetList>>[] = [next];
  const push = (settle: (slot: Deferred<IteratorResult<TargetList>>) => void) => {
    const slot = next;
    next = deferred();
    queue.push(next);
    settle(slot);
  };
  const source = {
    iterators: 0,
    returned: 0,
    list: (value: TargetList) => push((slot) => slot.resolve({ value, done: false })),
    fail: (error: unknown) => push((slot) => slot.reject(error)),
    end: () => push((slot) => slot.resolve({ value: undefined, done: true })),
    [Symbol.asyncIterator]: () => {
      source.iterators += 1;
      return {
        next: () => (queue.shift() as Deferred<IteratorResult<TargetList>>).promise,
        return: async () => {
          source.returned += 1;
          return { value: undefined, done: true as const };
        },
      };
    },
  };
  return source;
}

describe("withFailover alone", () => {
  test("withFailover dials one of its targets in place of the caller's", async () => {
    const { base, calls } = fleet();
    const conn = await dialed(compose(withFailover({ targets: abc }), base));
    assert.deepEqual(calls, ["a:1"]);
    (conn as Duplex).destroy();
  });

  test("withFailover without withRetry rejects with the first target's error", async () => {
    const { base, calls } = fleet(new Set(["a:1"]));
    const error = await dialed(compose(withFailover({ targets: abc }), base));
    assert.deepEqual(calls, ["a:1"]);
    assert.equal((error as DialError).target, "a:1");
    assert.equal((error as DialError).reason, "refused");
  });

  test("withFailover works without compose", async () => {
    const { base, calls } = fleet(new Set(["a:1"]));
    const dial = withFailover({ targets: abc })(base);
    await assert.rejects(dial("orders:1"), refused);
    await assert.rejects(dial("orders:1"), refused);
    assert.deepEqual(calls, ["a:1", "a:1"]);
  });
});

describe("withRetry above withFailover", () => {
  test("withRetry moves to the next target, and the failover hook gets the failed target", async () => {
    const { base, calls } = fleet(new Set(["a:1", "b:1"]));
    const told: FailoverInfo[] = [];
    const trace = { failover: (info: FailoverInfo) => told.push(info) };
    const dial = compose(eager(), withFailover({ targets: abc }), base);
    const conn = await dialed(dial, fakeClock(), { trace });
    assert.deepEqual(calls, abc);
    assert.deepEqual(
      told.map(({ target, from, to, reason, error }) => [
        `${target}: ${from} to ${to} for ${reason}`,
        (error as Error).message,
      ]),
      [
        ["orders:4222: a:1 to b:1 for refused", "dial a:1: connect ECONNREFUSED"],
        ["orders:4222: b:1 to c:1 for refused", "dial b:1: connect ECONNREFUSED"],
      ],
    );
    (conn as Duplex).destroy();
  });

  for (const policy of ["in_order", "random", "round_robin", "least_loaded"] as const) {
    test(`withRetry with the policy ${policy} attempts every target before any twice, and never the last one next`, async () => {
      const random = seededRandom(5);
      for (let round = 0; round < 50; round += 1) {
        const { base, calls } = fleet(new Set(abc));
        const failover = withFailover({ targets: abc, policy, random, ejectAfter: Number.POSITIVE_INFINITY });
        await dialed(compose(eager({ maxAttempts: 9 }), failover, base));
        assert.equal(calls.length, 9);
        assert.equal(new Set(calls.slice(0, 3)).size, 3);
        for (const [index, call] of calls.entries()) assert.notEqual(call, calls[index + 1]);
      }
    });
  }

  test("withFailover skips targets whose breaker is open without a retry, and rejects when all are open", async () => {
    const { base, calls, down } = fleet(new Set(["a:1"]));
    const failovers: string[] = [];
    const trace = {
      failover: ({ from, to, reason }: FailoverInfo) => failovers.push(`${from} → ${to}: ${reason}`),
    };
    const failover = withFailover({ targets: abc });
    const breaker = withBreaker({ breaker: { consecutive: 1 }, halfOpenAfterMs: 1e6 });
    const dial = compose(failover, breaker, base);
    const clock = fakeClock();
    assert.equal(((await dialed(dial, clock)) as DialError).reason, "refused");
    assert.ok((await dialed(dial, clock, { trace })) instanceof Duplex);
    assert.deepEqual(calls, ["a:1", "b:1"]);
    assert.deepEqual(failovers, ["a:1 → b:1: circuit_open"]);

    for (const each of abc) down.add(each);
    for (let index = 0; index < 2; index += 1) await dialed(dial, clock);
    const error = (await dialed(compose(eager(), dial), clock)) as DialError;
    assert.equal(error.reason, "circuit_open");
    assert.deepEqual(calls, ["a:1", "b:1", "b:1", "c:1"], "no other target is dialed");
    assert.deepEqual(
      failover.targets().map(({ dialing }) => dialing),
      [0, 0, 0],
    );
  });

  test("withRetry dials a single target again, which is not reported as a failover", async () => {
    const { base, calls } = fleet(new Set(["a:1"]));
    const told: unknown[] = [];
    const dial = compose(eager(), withFailover({ targets: ["a:1"] }), base);
    await dialed(dial, fakeClock(), { trace: { failover: (info) => told.push(info) } });
    assert.deepEqual(calls, ["a:1", "a:1", "a:1", "a:1"]);
    assert.deepEqual(told, []);
  });

  test("each dial starts with the first target again", async () => {
    const { base, calls } = fleet(new Set(["a:1"]));
    const dial = compose(eager(), withFailover({ targets: abc, ejectAfter: 99 }), base);
    for (const _ of [1, 2]) ((await dialed(dial)) as Duplex).destroy();
    assert.deepEqual(calls, ["a:1", "b:1", "a:1", "b:1"]);
  });

  test("a retry goes to another target when a layer between rejected the connection", async () => {
    const { base, calls } = fleet();
    const told: unknown[] = [];
    const picky: Middleware = (next) => async (target, options) => {
      const conn = await next(target, options);
      if (calls.length > 1) return conn;
      conn.destroy();
      throw new Error("not this one");
    };
    const failover = withFailover({ targets: abc });
    const dial = compose(eager(), picky, failover, base);
    const conn = await dialed(dial, fakeClock(), { trace: { failover: (info) => told.push(info) } });
    assert.deepEqual(calls, ["a:1", "b:1"]);
    assert.deepEqual(told, [], "the layer does not know why");
    (conn as Duplex).destroy();
  });

  test("a failover reports the target that failed, not one that was rejected later", async () => {
    const { base, calls } = fleet(new Set(["a:1"]));
    const told: string[] = [];
    const picky: Middleware = (next) => async (target, options) => {
      const conn = await next(target, options);
      if (calls.length > 2) return conn;
      conn.destroy();
      throw new Error("not this one");
    };
    const trace = { failover: ({ from, to }: FailoverInfo) => told.push(`${from} to ${to}`) };
    const dial = compose(eager(), picky, withFailover({ targets: abc }), base);
    const conn = await dialed(dial, fakeClock(), { trace });
    assert.deepEqual(calls, abc);
    assert.deepEqual(told, ["a:1 to b:1"]);
    (conn as Duplex).destroy();
  });

  test("dials inside a base dialer do not share their attempted targets", async () => {
    const { base, calls } = fleet(new Set(["a:1"]));
    const inner = compose(withFailover({ targets: abc, ejectAfter: 99 }), base);
    const over: Dialer<Duplex> = (target, options) => inner(target, options);
    const dial = compose(eager({ maxAttempts: 2 }), over);
    await dialed(dial);
    assert.deepEqual(calls, ["a:1", "a:1"]);
  });

  test("withRetry moves to the next priority only when all targets of the better one were attempted", async () => {
    const { base, calls } = fleet(new Set(["a:1", "b:1"]));
    const targets = [
      { target: "c:1", priority: 2 },
      { target: "a:1", priority: 1 },
      { target: "b:1", priority: 1 },
    ];
    const conn = await dialed(compose(eager(), withFailover({ targets, policy: "random" }), base));
    assert.deepEqual([...calls.slice(0, 2)].sort(), ["a:1", "b:1"]);
    assert.deepEqual(calls.slice(2), ["c:1"]);
    (conn as Duplex).destroy();
  });

  test("a timeout below withFailover counts as the target's failure, and withRetry moves on", async () => {
    const clock = fakeClock();
    const calls: string[] = [];
    const failover = withFailover({ targets: abc });
    const dial = compose(eager(), failover, withTimeout({ timeoutMs: 100 }), async (target) => {
      calls.push(String(target));
      return calls.length === 1 ? new Promise<Duplex>(() => {}) : connection();
    });
    const dialing = dial("orders:1", { clock });
    await clock.advance(101);
    (await dialing).destroy();
    assert.deepEqual(calls, ["a:1", "b:1"]);
    assert.equal(failover.targets()[0]?.failures, 1);
  });
});

describe("go-micro's rules", () => {
  test("go-micro: an empty list is distinguished from a failed dial", async () => {
    const { base, calls } = fleet();
    const discover = async function* () {
      yield [];
    };
    const events: string[] = [];
    const dial = compose(eager(), withFailover({ discover }), base);
    const error = await dialed(dial, fakeClock(), {
      trace: { retryExhausted: ({ cause }) => events.push(cause), retryScheduled: () => events.push("again") },
    });
    assert.ok(error instanceof NoTargetError);
    assert.ok(error instanceof DialError);
    const { name, message, target, reason, attempts, cause } = error;
    assert.deepEqual(
      { name, message, target, reason, attempts, cause },
      {
        name: "NoTargetError",
        message: "dial orders:4222: there is no target to dial",
        target: "orders:4222",
        reason: "no_target",
        attempts: [],
        cause: undefined,
      },
    );
    assert.deepEqual(events, ["non_retryable"]);
    assert.deepEqual(calls, []);
  });

  test("go-micro: the policy is called before each attempt, not once per dial", async () => {
    const { base, calls } = fleet(new Set(["a:1", "b:1"]));
    const asked: string[] = [];
    const failover = withFailover({
      targets: abc,
      policy: (candidates, { target }) => {
        asked.push(`${target}: ${candidates.map((each) => each.target).join(" ")}`);
        return candidates[0] as never;
      },
    });
    ((await dialed(compose(eager(), failover, base))) as Duplex).destroy();
    assert.deepEqual(asked, ["orders:4222: a:1 b:1 c:1", "orders:4222: b:1 c:1", "orders:4222: c:1"]);
    assert.deepEqual(calls, abc);
  });

  test("go-micro: each dial marks its target as failed or working", async () => {
    const { base, down } = fleet(new Set(["a:1"]));
    const failover = withFailover({ targets: ["a:1"] });
    const dial = compose(failover, base);
    const failures = () => failover.targets()[0]?.failures;
    await dialed(dial);
    assert.equal(failures(), 1);
    await dialed(dial);
    assert.equal(failures(), 2);
    down.clear();
    ((await dialed(dial)) as Duplex).destroy();
    assert.equal(failures(), 0);
  });

  test("go-micro: a canceled dial marks no target and moves to no other", async () => {
    const controller = new AbortController();
    const calls: string[] = [];
    const failover = withFailover({ targets: abc });
    const dial = compose(eager(), failover, async (target) => {
      calls.push(String(target));
      return new Promise<Duplex>(() => {});
    });
    const clock = fakeClock();
    const dialing = dial("orders:1", { clock, signal: controller.signal });
    await turns();
    assert.equal(failover.targets()[0]?.dialing, 1);
    controller.abort(refused);
    await assert.rejects(dialing, refused);
    await turns();
    assert.deepEqual(calls, ["a:1"]);
    const [{ failures, dialing: left, latencyMs } = {} as never] = failover.targets();
    assert.deepEqual({ failures, left, latencyMs }, { failures: 0, left: 0, latencyMs: undefined });
  });

  test("go-micro: an ejected target comes back after its ejection, or by mark without an error", async () => {
    const { base, calls, down } = fleet(new Set(["a:1"]));
    const clock = fakeClock();
    const failover = withFailover({ targets: abc, ejectAfter: 1 });
    const dial = compose(failover, base);
    const once = async () => {
      const got = await dialed(dial, clock);
      if (!(got instanceof Error)) (got as Duplex).destroy();
      return calls.at(-1);
    };
    assert.equal(await once(), "a:1");
    assert.equal(await once(), "b:1");
    await clock.advance(999);
    assert.equal(await once(), "b:1");
    await clock.advance(1);
    assert.equal(await once(), "a:1");
    assert.equal(await once(), "b:1");
    assert.equal(failover.targets()[0]?.ejectedForMs, 2000);
    failover.mark("a:1");
    assert.equal(failover.targets()[0]?.ejected, false);
    down.clear();
    assert.equal(await once(), "a:1");
  });
});

describe("mark()", () => {
  test("mark() ejects targets that accept connections but fail requests", async () => {
    const { base, calls } = fleet();
    const failover = withFailover({ targets: abc, ejectAfter: 3 });
    const dial = compose(failover, base);
    for (let time = 0; time < 4; time += 1) {
      ((await dialed(dial)) as Duplex).destroy();
      failover.mark(calls.at(-1) as string, new Error("500"));
    }
    assert.deepEqual(calls, ["a:1", "a:1", "a:1", "b:1"]);
    assert.equal(failover.targets()[0]?.ejected, true);
  });

  test("mark() takes any form of target and null for no error, and ignores aborts and unknown targets", () => {
    const failover = withFailover({ targets: ["nats://a"], ejectAfter: 9 });
    failover.mark({ host: "a", port: 4222 }, new Error("no"));
    failover.mark("a:4222", AbortSignal.abort().reason);
    failover.mark("b:1", new Error("no"));
    assert.equal(failover.targets()[0]?.failures, 1);
    failover.mark(new URL("nats://a"), null);
    assert.equal(failover.targets()[0]?.failures, 0);
    assert.throws(() => failover.mark("a"), { name: "TypeError", message: /port is missing/ });
  });

  for (const reason of ["local_resource", "config", "pool_exhausted"] as const) {
    test(`a dial that failed with ${reason} counts against no target, and withRetry still moves on`, async () => {
      const calls: string[] = [];
      const failover = withFailover({ targets: abc });
      const base: Dialer<Duplex> = async (target) => {
        calls.push(String(target));
        throw new DialError("ours", { reason });
      };
      const dial = compose(eager({ shouldRetry: () => true }), failover, base);
      await dialed(dial);
      assert.deepEqual(calls, [...abc, "a:1"]);
      assert.deepEqual(
        failover.targets().map(({ failures }) => failures),
        [0, 0, 0],
      );
    });
  }
});

test("targets are dialed when all are ejected", async () => {
  const { base, calls } = fleet(new Set(abc));
  const failover = withFailover({ targets: abc, ejectAfter: 1, minShare: 0 });
  const dial = compose(eager({ maxAttempts: 3 }), failover, base);
  await dialed(dial);
  assert.ok(failover.targets().every(({ ejected }) => ejected));
  await dialed(dial);
  assert.deepEqual(calls, [...abc, ...abc]);
});

describe("open connections of a target", () => {
  test("open connections are counted until they are destroyed, even without listeners", async () => {
    const { base, connections } = fleet();
    const failover = withFailover({ targets: ["a:1"] });
    const dial = compose(failover, base);
    await Promise.all([dial("orders:1"), dial("orders:1")]);
    assert.equal(failover.targets()[0]?.open, 2);
    connections[0]?.removeAllListeners().destroy();
    assert.equal(failover.targets()[0]?.open, 1);
    connections[1]?.destroy(new Error("gone")).on("error", () => {});
    assert.equal(failover.targets()[0]?.open, 0);
  });

  test("connections that arrive after an abort are not counted as open", async () => {
    const controller = new AbortController();
    const late = deferred<Duplex>();
    const failover = withFailover({ targets: ["a:1"] });
    const dialing = compose(failover, () => late.promise)("orders:1", { signal: controller.signal });
    await turns();
    controller.abort("enough");
    await assert.rejects(dialing, (error) => error === "enough");
    const conn = connection();
    late.resolve(conn);
    await turns();
    assert.equal(conn.destroyed, true);
    const [{ open, dialing: left } = {} as never] = failover.targets();
    assert.deepEqual({ open, left }, { open: 0, left: 0 });
  });

  test("open connections over sockets are counted until their peer closes them", async () => {
    await using first = await peer((socket) => socket.end());
    await using second = await goodPeer();
    const failover = withFailover({ targets: [first.address, second.address], policy: "round_robin", random: () => 0 });
    const dial = compose(failover, tcp());
    const [one, two] = await Promise.all([dial("orders:1"), dial("orders:1")]);
    one.resume().on("end", () => one.destroy());
    const open = () => failover.targets().map((each) => each.open);
    await until(() => open()[0] === 0, "the peer's end has arrived");
    assert.deepEqual(open(), [0, 1]);
    two.destroy();
    assert.deepEqual(open(), [0, 0]);
  });
});

for (const policy of ["random", "round_robin", "least_loaded"] as const) {
  test(`no dial fails when a server goes down during many dials with the policy ${policy}`, async () => {
    await using first = await goodPeer();
    await using second = await goodPeer();
    await using third = await goodPeer();
    const targets = [first, second, third].map(({ address }) => address);
    const failover = withFailover({ targets, policy, random: seededRandom(9) });
    const dial = compose(eager(), failover, tcp());
    const controller = new AbortController();
    const dialing: Promise<Duplex>[] = [];
    const aborted: Promise<unknown>[] = [];
    for (let batch = 0; batch < 10; batch += 1) {
      // Connections to the first server are reset when it goes down.
      for (let time = 0; time < 10; time += 1)
        dialing.push(dial("orders:1").then((conn) => conn.on("error", () => {})));
      const { signal } = controller;
      aborted.push(dial("orders:1", { signal }).then((conn) => conn.destroy(), String));
      if (batch === 3) await first.close();
      if (batch === 6) controller.abort("enough");
      await turns(2);
    }
    const conns = await Promise.all(dialing);
    await Promise.all(aborted);
    const alive = conns.filter((conn) => !conn.destroyed).length;
    const open = () => failover.targets().reduce((sum, each) => sum + each.open, 0);
    assert.ok(failover.targets().every((each) => each.dialing === 0));
    assert.ok(alive > 60 && open() >= alive, `${alive} of ${open()}`);
    for (const conn of conns) conn.destroy();
    assert.equal(open(), 0);
    await until(() => second.open.size + third.open.size === 0, "the servers have seen the end");
  });
}

test("least_loaded sends few dials to a slow target among ten", async () => {
  const clock = fakeClock();
  const random = seededRandom(42);
  const counts = new Map<string, number>();
  const targets = Array.from({ length: 10 }, (_, index) => `t${index}:1`);
  const failover = withFailover({ targets, policy: "least_loaded", random });
  const dial = compose(failover, async (target) => {
    const name = String(target);
    counts.set(name, (counts.get(name) ?? 0) + 1);
    await new Promise<void>((resolve) => clock.setTimeout(resolve, name === "t3:1" ? 500 : 10));
    const conn = connection();
    clock.setTimeout(() => conn.destroy(), 200);
    return conn;
  });
  const dials: Promise<unknown>[] = [];
  for (let time = 0; time < 1000; time += 1) {
    dials.push(dial("orders:1", { clock }));
    await clock.advance(5);
  }
  await clock.advance(1000);
  await Promise.all(dials);
  const slow = counts.get("t3:1") ?? 0;
  const fast = targets.filter((name) => name !== "t3:1").map((name) => counts.get(name) ?? 0);
  assert.ok(slow >= 1 && slow <= 10, `the slow one got ${slow} of 1000`);
  assert.ok(Math.min(...fast) > 60, `each of the others its share: ${fast}`);
  for (const { open, dialing } of failover.targets()) assert.equal(open + dialing, 0);
});

test("least_loaded does not prefer a target that fails immediately", async () => {
  const { base, calls } = fleet(new Set(["a:1"]));
  const failover = withFailover({
    targets: ["a:1", "b:1"],
    policy: "least_loaded",
    random: seededRandom(1),
    ejectAfter: Number.POSITIVE_INFINITY,
  });
  const dial = compose(failover, base);
  for (let time = 0; time < 50; time += 1) await dialed(dial);
  assert.equal(calls.filter((name) => name === "a:1").length, 1);
});

describe("discovery by an async iterable", () => {
  const dialing = (dial: Dialer<Duplex>, options: DialOptions<Duplex> = {}) => dial("orders:4222", options);

  test("discovery starts with the first dial, which waits for the first list, and later dials use the changes", async () => {
    const lists = pushed();
    const { base, calls } = fleet();
    const failover = withFailover({ discover: lists });
    const dial = compose(failover, base);
    assert.equal(lists.iterators, 0);
    const waiting = [dialing(dial), dialing(dial)];
    await turns();
    assert.deepEqual(calls, []);
    lists.list(["a:1", "b:1"]);
    for (const conn of await Promise.all(waiting)) conn.destroy();
    lists.list(["b:1"]);
    await turns();
    (await dialing(dial)).destroy();
    assert.deepEqual(calls, ["a:1", "a:1", "b:1"]);
    lists.list([]);
    await turns();
    await assert.rejects(dialing(dial), { name: "NoTargetError" });
    assert.equal(lists.iterators, 1);
    failover.close();
  });

  test("an abort or a timeout ends the wait for the first list, and leaves no listener or timer", async () => {
    const lists = pushed();
    const clock = fakeClock();
    const { base, calls } = fleet();
    const failover = withFailover({ discover: lists });
    const { signal } = new AbortController();
    const controller = new AbortController();
    const aborted = dialing(compose(failover, base), { signal: controller.signal, clock });
    const bounded = dialing(compose(withTimeout({ timeoutMs: 100 }), failover, base), { signal, clock });
    const before = assert.rejects(bounded, { name: "DialTimeoutError", scope: "dial" });
    await turns();
    controller.abort("enough");
    await assert.rejects(aborted, (error) => error === "enough");
    await clock.advance(100);
    await before;
    assert.equal(getEventListeners(signal, "abort").length, 0);
    assert.equal(getEventListeners(controller.signal, "abort").length, 0);
    assert.equal(clock.pending, 0);
    lists.list(abc);
    await turns();
    assert.deepEqual(calls, []);
    failover.close();
  });

  test("an abort ends the wait for the first list without compose", async () => {
    const controller = new AbortController();
    const failover = withFailover({ discover: pushed() });
    const waiting = failover(fleet().base)("orders:1", { signal: controller.signal });
    const late = new Error("too late");
    const begunLate = failover(fleet().base)("orders:1", { signal: AbortSignal.abort(late) });
    await assert.rejects(begunLate, late);
    controller.abort("enough");
    await assert.rejects(waiting, (error) => error === "enough");
    assert.equal(getEventListeners(controller.signal, "abort").length, 0);
    failover.close();
  });

  test("a discovery that throws keeps the last list and emits one warning", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on("warning", onWarning);
    const { base, calls } = fleet();
    for (const error of [new Error("the registry is gone"), new Error("gone again")]) {
      const lists = pushed();
      const failover = withFailover({ discover: lists });
      const dial = compose(failover, base);
      lists.list(abc);
      (await dialing(dial)).destroy();
      lists.fail(error);
      await turns();
      (await dialing(dial)).destroy();
    }
    await turns();
    process.off("warning", onWarning);
    assert.equal(calls.length, 4);
    assert.equal(warnings.length, 1);
    assert.match(String(warnings[0]?.message), /^a discovery of targets threw/);
    assert.match(String((warnings[0] as { detail?: string }).detail), /the registry is gone/);
  });

  test("a discovery that ends or yields a malformed list keeps the last list", async () => {
    const lists = pushed();
    const { base, calls } = fleet();
    const failover = withFailover({ discover: lists });
    const dial = compose(failover, base);
    lists.list(abc);
    (await dialing(dial)).destroy();
    lists.list(["b"]);
    lists.list("b:1" as never);
    lists.list(["c:1"]);
    await turns();
    (await dialing(dial)).destroy();
    lists.end();
    await turns();
    (await dialing(dial)).destroy();
    assert.deepEqual(calls, ["a:1", "c:1", "c:1"]);
  });

  test("a discovery that fails before the first list rejects waiting dials, and the next dial restarts it", async () => {
    const { base, calls } = fleet();
    let begun = 0;
    let left = 0;
    const discover = {
      async *[Symbol.asyncIterator]() {
        begun += 1;
        if (begun === 1) throw Object.assign(new Error("queryA ETIMEOUT"), { code: "ETIMEOUT" });
        try {
          yield begun === 2 ? ["malformed"] : abc;
        } finally {
          left += 1;
        }
      },
    };
    const dial = compose(withFailover({ discover }), base);
    const both = await Promise.allSettled([dialing(dial), dialing(dial)]);
    const errors = both.map((each) => each.status === "rejected" && each.reason);
    assert.notEqual(errors[0], errors[1]);
    for (const error of errors) {
      assert.ok(error instanceof DialError && !(error instanceof NoTargetError));
      assert.equal(error.message, "dial orders:4222: the discovery of its targets failed: queryA ETIMEOUT");
      assert.equal(error.reason, "dns_temporary");
      assert.equal(error.code, "ETIMEOUT");
    }
    await assert.rejects(dialing(dial), { message: /port is missing/ });
    await turns();
    assert.equal(left, 1);
    (await dialing(dial)).destroy();
    assert.equal(begun, 3);
    assert.deepEqual(calls, ["a:1"]);
  });

  test("a discovery that ends without a list has no targets", async () => {
    const discover = async function* (): AsyncGenerator<TargetList> {};
    await assert.rejects(dialing(compose(withFailover({ discover: discover() }), fleet().base)), NoTargetError);
  });

  test("a discovery that cannot start fails the dial", async () => {
    const discover = () => {
      throw new Error("no registry configured");
    };
    await assert.rejects(dialing(compose(withFailover({ discover }), fleet().base)), {
      message: "dial orders:4222: the discovery of its targets failed: no registry configured",
      reason: "_OTHER",
    });
    const wrong = withFailover({ discover: (() => 5) as never });
    await assert.rejects(dialing(compose(wrong, fleet().base)), { message: /discover must be .* got 5$/ });
  });

  test("discover as a function is called once per dialed target, and each has its own targets", async () => {
    const asked: string[] = [];
    const discover = (target: Target) => {
      asked.push(String(target));
      return (async function* () {
        yield [`${target.host}-1:1`, `${target.host}-2:1`];
      })();
    };
    const { base, calls } = fleet(new Set(["mail-1:1"]));
    const failover = withFailover({ discover, ejectAfter: 1 });
    const dial = compose(eager(), failover, base);
    const clock = fakeClock();
    for (const name of ["orders:1", "mail:1", "orders:1", "mail:1"]) {
      const got = dial(name, { clock });
      await clock.advance(1);
      (await got).destroy();
    }
    assert.deepEqual(asked, ["orders:1", "mail:1"]);
    assert.deepEqual(calls, ["orders-1:1", "mail-1:1", "mail-2:1", "orders-1:1", "mail-2:1"]);
    assert.deepEqual(
      failover.targets().map(({ target, ejected }) => `${target} ${ejected}`),
      ["orders-1:1 false", "orders-2:1 false", "mail-1:1 true", "mail-2:1 false"],
    );
  });
});

describe("close() of withFailover", () => {
  test("close() ends the iterator and waiting dials, and keeps the last list", async () => {
    const lists = pushed();
    const { base, calls } = fleet();
    const failover = withFailover({ discover: lists });
    const dial = compose(failover, base);
    lists.list(abc);
    (await dial("orders:1")).destroy();
    failover.close();
    failover.close();
    assert.equal(lists.returned, 1);
    lists.list(["z:1"]);
    await turns();
    (await dial("orders:1")).destroy();
    assert.deepEqual(calls, ["a:1", "a:1"]);
  });

  test("close() ends a generator that waits for its signal, and dials that wait for the first list", async () => {
    const seen: string[] = [];
    const watch = async function* ({ signal }: { signal: AbortSignal }): AsyncGenerator<TargetList> {
      try {
        await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
        yield [];
      } finally {
        seen.push("ended");
      }
    };
    {
      using failover = withFailover({ discover: { watch } });
      const waiting = assert.rejects(compose(failover, fleet().base)("orders:1"), { name: "NoTargetError" });
      await turns();
      failover.close();
      await waiting;
      await assert.rejects(compose(failover, fleet().base)("orders:1"), { name: "NoTargetError" });
    }
    await turns();
    assert.deepEqual(seen, ["ended"]);
  });

  test("close() also ends discovery for later targets, and tolerates an iterator without return()", async () => {
    const broken = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ value: abc, done: false as const }),
        return: () => Promise.reject(new Error("no way back")),
      }),
    };
    let asked = 0;
    const failover = withFailover({
      discover: () => {
        asked += 1;
        return { watch: () => (asked === 1 ? broken : pushed()) };
      },
    });
    const dial = compose(failover, fleet().base);
    const first = dial("orders:1");
    (await first).destroy();
    failover[Symbol.dispose]();
    await assert.rejects(dial("other:1"), { name: "NoTargetError" });
    assert.equal(asked, 1);
  });
});

describe("withFailover options", () => {
  const rows: readonly (readonly [FailoverOptions, string, string | RegExp])[] = [
    [{}, "TypeError", "withFailover: exactly one of targets and discover must be given"],
    [
      { targets: abc, discover: pushed() },
      "TypeError",
      "withFailover: exactly one of targets and discover must be given",
    ],
    [{ targets: [] }, "RangeError", "withFailover: targets must name at least one target"],
    [{ targets: "a:1" as never }, "TypeError", /^withFailover: targets must be an array of targets, got "a:1"$/],
    [{ targets: ["a"] }, "TypeError", 'withFailover: targets: invalid target "a": the port is missing'],
    [{ discover: 5 as never }, "TypeError", /^withFailover: discover must be .* got 5$/],
    [{ targets: abc, policy: "best" as never }, "RangeError", /^withFailover: policy must be one of .* got "best"$/],
    [{ targets: abc, random: 4 as never }, "TypeError", "withFailover: random must be a function, got 4"],
    [{ targets: abc, ejectAfter: 0 }, "RangeError", /^withFailover: ejectAfter .* got 0$/],
    [{ targets: abc, ejectionMs: 0 }, "RangeError", /^withFailover: ejectionMs .* got 0$/],
    [{ targets: abc, ejectionMs: 100, maxEjectionMs: 99 }, "RangeError", /^withFailover: maxEjectionMs .* got 99$/],
    [{ targets: abc, decayMs: 0 }, "RangeError", /^withFailover: decayMs .* got 0$/],
    [{ targets: abc, minShare: 1.1 }, "RangeError", "withFailover: minShare must be a number from 0 to 1, got 1.1"],
    [{ target: abc } as never, "TypeError", /^withFailover: unknown option target; did you mean targets\?$/],
  ];
  for (const [options, name, message] of rows) {
    test(`withFailover refuses options at construction: ${message}`, () =>
      assert.throws(() => withFailover(options), { name, message }));
  }
});
