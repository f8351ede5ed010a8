import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import type { Duplex } from "node:stream";
import { describe, test } from "node:test";
import {
  compose,
  DialError,
  type Dialer,
  type DialOptions,
  type Middleware,
  type TargetLike,
  tcp,
  withRetry,
  withTimeout,
  withTrace,
} from "../../src/index.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";
import { connection, deferred, record, turns } from "../support/contract.ts";

/** A user's decorator that records when it is entered and left. */
const spy =
  (name: string, said: string[]): Middleware =>
  (next) =>
  async (target, options) => {
    said.push(`${name} in`);
    try {
      return await next(target, options);
    } finally {
      said.push(`${name} out`);
    }
  };

/** A user's decorator that passes on a copy of the options. */
const spread: Middleware = (next) => (target, options) => next(target, { ...options });

describe("compose", () => {
  test("compose runs layers from first to last, with the first outermost", async () => {
    const said: string[] = [];
    const conn = await compose(spy("a", said), spy("b", said), spy("c", said), scriptedDialer())("h:1");
    assert.deepEqual(said, ["a in", "b in", "c in", "c out", "b out", "a out"]);
    conn.destroy();
  });

  test("compose calls each middleware once, when the dialer is created", async () => {
    let built = 0;
    const layer: Middleware = (next) => {
      built += 1;
      return next;
    };
    const dial = compose(layer, scriptedDialer());
    await dial("h:1");
    await dial("h:1");
    assert.equal(built, 1);
  });

  test("compose accepts a base dialer without layers", async () => {
    const base = scriptedDialer();
    assert.equal(await compose(base)("h:1"), base.connections[0]);
  });

  test("a middleware may be used in several dialers", async () => {
    const retry = withRetry({ maxAttempts: 2, backoff: () => 0 });
    const clock = fakeClock();
    const [one, two] = [scriptedDialer([new Error("no"), "connect"]), scriptedDialer()];
    const both = Promise.all([compose(retry, one)("h:1", { clock }), compose(retry, two)("h:1", { clock })]);
    await clock.advance(0);
    await both;
    assert.deepEqual([one.calls.length, two.calls.length], [2, 1]);
  });
});

describe("misuse of compose", () => {
  const anything = (...layers: unknown[]) => (compose as (...layers: unknown[]) => Dialer<Duplex>)(...layers);

  test("compose without arguments throws a TypeError", () => {
    assert.throws(() => anything(), { name: "TypeError", message: "compose: a base dialer such as tcp() is required" });
  });

  for (const [what, layer] of [
    ["undefined", undefined],
    ["null", null],
    ["an object", {}],
    ["an array", []],
    ['"tcp"', "tcp"],
  ]) {
    test(`compose rejects ${what} as a layer and as a base, naming its position`, () => {
      const message = (number: number) => `compose: layer ${number} must be a function, got ${what}`;
      assert.throws(() => anything(withRetry(), layer, tcp()), { name: "TypeError", message: message(2) });
      assert.throws(() => anything(withRetry(), withRetry(), layer), { name: "TypeError", message: message(3) });
    });
  }

  test("compose rejects a base dialer that is not last, including a user's base dialer", () => {
    const message = "compose: layer 2 must be a middleware, got a dialer; a base dialer comes last";
    for (const base of [tcp(), scriptedDialer(), compose(tcp())]) {
      assert.throws(() => anything(withRetry(), base, tcp()), { name: "TypeError", message });
    }
    const returned = "compose: layer 2 returned a promise instead of a dialer; a base dialer such as tcp() comes last";
    const own: Dialer = (target, options) => tcp()(target, options);
    assert.throws(() => anything(withRetry(), own, tcp()), { name: "TypeError", message: returned });
  });

  test("compose rejects a factory that was not called", () => {
    assert.throws(() => anything(withTimeout, tcp()), {
      name: "TypeError",
      message: "compose: layer 1 must be a function, got the factory withTimeout; call it: withTimeout()",
    });
  });

  test("compose rejects a middleware as the last layer", async () => {
    assert.throws(() => anything(withTimeout({ timeoutMs: 1000 }), withRetry()), {
      name: "TypeError",
      message: "compose: layer 2 must be a dialer, got a middleware; a base dialer such as tcp() comes last",
    });
    const own: Middleware = (next) => (target, options) => next(target, options);
    await assert.rejects(anything(withTimeout({ timeoutMs: 1000 }), withRetry(), own)("h:1"), (error) => {
      assert.ok(error instanceof DialError);
      assert.deepEqual([error.reason, error.attemptCount], ["config", 1]);
      assert.match(
        String(error.cause),
        /TypeError: compose: the last layer must resolve with a connection, got a function/,
      );
      return true;
    });
  });

  for (const [what, result] of [
    ["undefined", undefined],
    ["an object", {}],
    ["5", 5],
  ]) {
    test(`a dial rejects if its base resolves with ${what}`, async () => {
      const dial = compose(async () => result as Duplex);
      await assert.rejects(dial("h:1"), { message: new RegExp(`must resolve with a connection, got ${what};`) });
    });

    test(`a base that resolves with ${what} after an abort is ignored`, async () => {
      const late = deferred<Duplex>();
      const controller = new AbortController();
      const dialing = compose(withTimeout({ timeoutMs: 1000 }), () => late.promise)("h:1", {
        signal: controller.signal,
      });
      controller.abort(new Error("enough"));
      await assert.rejects(dialing, /enough/);
      late.resolve(result as Duplex);
      await turns();
    });
  }

  test("a layer that does not return the inner promise fails the dial, and the connection is closed", async () => {
    const base = scriptedDialer();
    const forgetful: Middleware = (next) =>
      (async (target: TargetLike, options: never) => {
        await next(target, options);
      }) as never;
    const dial = compose(withRetry({ backoff: () => 0 }), forgetful, base);
    await assert.rejects(dial("h:1"), {
      name: "TypeError",
      code: "ERR_INVALID_RETURN_VALUE",
      message: "compose: a layer must resolve with a connection, got undefined; return what next() resolves with",
    });
    assert.deepEqual(
      base.connections.map(({ destroyed }) => destroyed),
      [true],
    );
  });

  test("a base that resolves with undefined fails with reason config and is not retried", async () => {
    let calls = 0;
    const dial = compose(withRetry({ backoff: () => 0 }), (async () => {
      calls += 1;
    }) as never);
    await assert.rejects(dial("h:1"), { name: "DialError", reason: "config" });
    assert.equal(calls, 1);
  });

  for (const [what, then] of [
    ["resolves twice", (done: (conn: Duplex) => void) => [done(connection()), done(connection())]],
    [
      "resolves, then throws",
      (done: (conn: Duplex) => void) => {
        done(connection());
        throw new Error("after");
      },
    ],
  ] as const) {
    test(`a base that returns a thenable that ${what} is settled once`, async () => {
      const dial = compose(withTimeout({ timeoutMs: 1000 }), () => ({ then }) as never);
      const conn: Duplex = await dial("h:1");
      assert.equal(conn.destroyed, false);
      conn.destroy();
    });
  }

  test("a base that rejects with a value that has no string form fails the dial", async () => {
    const odd = Object.create(null);
    await assert.rejects(compose(() => Promise.reject(odd))("h:1"), {
      name: "DialError",
      message: "dial h:1: [object Object]",
      cause: odd,
    });
  });

  test("a late connection that throws from destroy() and emits an error does not affect the dial", async () => {
    const late = deferred<Duplex>();
    const dial = compose(withTimeout({ timeoutMs: 5 }), () => late.promise);
    await assert.rejects(dial("h:1"), { name: "DialTimeoutError" });
    const conn = connection();
    conn.destroy = () => {
      setImmediate(() => conn.emit("error", new Error("late")));
      throw new Error("can't be destroyed");
    };
    late.resolve(conn);
    await turns();
  });

  test("a base that throws synchronously fails the dial", async () => {
    const dial = compose((): Promise<Duplex> => {
      throw new Error("at once");
    });
    await assert.rejects(dial("h:1"), { name: "DialError", message: "dial h:1: at once" });
  });

  test("a dial with an invalid target or signal rejects and does not throw synchronously", async () => {
    const dial = compose(scriptedDialer());
    await assert.rejects(dial("nowhere"), /^TypeError: dial: invalid target "nowhere"/);
    await assert.rejects(dial("h:1", { signal: {} as AbortSignal }), /^TypeError: dial: signal must be an AbortSignal/);
  });

  test("a base that resolves with a destroyed connection fails the dial", async () => {
    const closed = scriptedDialer([async () => connection().destroy()]);
    await assert.rejects(compose(closed)("h:1"), {
      name: "DialError",
      reason: "handshake_closed",
      message: "dial h:1: the connection closed before it was ready",
    });
  });
});

describe("nested compositions", () => {
  test("observers of nested compositions see each attempt once", async () => {
    const [outer, inner, own] = [[], [], []] as [string[], string[], string[]];
    const base = scriptedDialer([new Error("no"), "connect"]);
    const innermost = compose(withTrace(record(inner)), base);
    const dial = compose(withTrace(record(outer)), withRetry({ backoff: () => 0 }), compose(innermost));
    const clock = fakeClock();
    const dialing = dial("h:1", { clock, trace: record(own) });
    await clock.advance(0);
    (await dialing).destroy();
    const attempts = ["attemptStart", "attemptDone failure", "attemptStart", "attemptDone success"];
    const onlyAttempts = (events: string[]) => events.filter((event) => event.startsWith("attempt"));
    assert.deepEqual(onlyAttempts(outer), attempts);
    assert.deepEqual(onlyAttempts(inner), attempts);
    assert.deepEqual(onlyAttempts(own), attempts);
    assert.deepEqual(
      [outer, inner, own].map((events) => events.filter((event) => event === "connClosed").length),
      [1, 1, 1],
    );
    assert.deepEqual(
      [outer, inner, own].map((events) => events.filter((event) => event === "dialStart").length),
      [1, 2, 1],
    );
  });

  test("a composition inside a user's base dialer counts as one attempt of the outer composition", async () => {
    const events: string[] = [];
    const innerBase = scriptedDialer([new Error("no"), "connect"]);
    const inside = compose(withRetry({ backoff: () => 0 }), innerBase);
    const tunnel: Dialer<Duplex> = (target, options) => inside(target, options);
    const clock = fakeClock();
    const dialing = compose(withTrace(record(events)), tunnel)("h:1", { clock });
    await clock.advance(0);
    (await dialing).destroy();
    assert.equal(innerBase.calls.length, 2);
    assert.deepEqual(events, [
      "dialStart",
      "attemptStart",
      "retryScheduled",
      "attemptDone success",
      "dialDone success",
      "connClosed",
    ]);
  });

  test("nested compositions run the handshake once, in the attempt of the outer composition", async () => {
    const numbers: number[] = [];
    const inside = compose(withTimeout({ timeoutMs: 1000 }), scriptedDialer());
    const tunnel: Dialer<Duplex> = (target, options) => inside(target, options);
    for (const base of [inside, tunnel]) {
      const conn = await compose(withRetry(), base)("h:1", {
        handshake: async (conn, { attempt }) => {
          numbers.push(attempt);
          return conn;
        },
      });
      conn.destroy();
    }
    assert.deepEqual(numbers, [1, 1]);
  });

  test("nested retries number attempts consecutively", async () => {
    const started: number[] = [];
    const announced: number[] = [];
    const clock = fakeClock();
    const dial = compose(
      withTrace({
        attemptStart: ({ attempt }) => started.push(attempt),
        retryScheduled: ({ attempt }) => announced.push(attempt),
      }),
      withRetry({ maxAttempts: 2, backoff: () => 10 }),
      compose(withRetry({ maxAttempts: 3, backoff: () => 1 }), scriptedDialer([new Error("no")])),
    );
    const dialing = assert.rejects(dial("h:1", { clock }), (error) => {
      assert.ok(error instanceof DialError);
      assert.equal(error.message, "dial h:1 failed after 2 attempts: no");
      assert.deepEqual(
        error.attempts.map(({ attempt }) => attempt),
        [1, 2, 3, 4, 5, 6],
      );
      assert.equal(error.attemptCount, 6);
      return true;
    });
    await clock.advance(100);
    await dialing;
    assert.deepEqual(started, [1, 2, 3, 4, 5, 6]);
    assert.deepEqual(announced, [2, 3, 4, 5, 6]);
  });
});

describe("a user's decorator", () => {
  test("a user's decorator may pass on a copy of the options", async () => {
    const clock = fakeClock();
    const said: string[] = [];
    const events: string[] = [];
    const dial = compose(
      withTrace(record(events)),
      withTimeout({ timeoutMs: 100 }),
      spread,
      withRetry({ maxAttempts: 2, backoff: () => 10 }),
      spread,
      withTimeout({ timeoutMs: 20 }),
      spread,
      spy("inner", said),
      scriptedDialer(["hang"]),
    );
    const dialing = assert.rejects(dial("h:1", { clock }), { attemptCount: 2, reason: "timeout" });
    await clock.advance(50);
    await dialing;
    assert.deepEqual(said, ["inner in", "inner out", "inner in", "inner out"]);
    assert.equal(events.filter((event) => event === "attemptDone failure").length, 2);
    assert.equal(clock.pending, 0);
  });

  test("an abort of a signal set by a user's decorator ends the attempt with its reason and is retried", async () => {
    const signals: AbortController[] = [];
    const mine: Middleware = (next) => (target, options) => {
      const controller = new AbortController();
      signals.push(controller);
      return next(target, { ...options, signal: controller.signal });
    };
    const base = scriptedDialer(["hang", "connect"]);
    const clock = fakeClock();
    const dialing = compose(withRetry({ backoff: () => 0 }), mine, base)("h:1", { clock });
    await turns();
    signals[0]?.abort(Object.assign(new Error("too slow for me"), { name: "TimeoutError" }));
    await clock.advance(0);
    (await dialing).destroy();
    assert.equal(base.calls.length, 2);
    for (const { signal } of signals) assert.equal(getEventListeners(signal, "abort").length, 0);
  });

  test("a user's decorator may combine the caller's signal with another, and either cancels the dial", async () => {
    const extra = new AbortController();
    const both: Middleware = (next) => (target, options) => {
      const signals = [extra.signal, ...(options?.signal ? [options.signal] : [])];
      return next(target, { ...options, signal: AbortSignal.any(signals) });
    };
    const callers = new AbortController();
    const dial = compose(withTimeout({ timeoutMs: 60_000 }), both, scriptedDialer(["hang"]));
    const first = dial("h:1", { signal: callers.signal });
    await turns();
    callers.abort(new Error("the caller's"));
    await assert.rejects(first, /^Error: the caller's$/);
    const second = dial("h:1");
    await turns();
    extra.abort(new Error("the extra one"));
    await assert.rejects(second, /^Error: the extra one$/);
  });

  test("a user's decorator may wrap the handshake", async () => {
    const said: string[] = [];
    const greeting: Middleware = (next) => (target, options) =>
      next(target, {
        ...options,
        handshake: async (conn, context) => {
          said.push(`mine, attempt ${context.attempt}`);
          return options?.handshake ? options.handshake(conn, context) : conn;
        },
      });
    const conn = await compose(
      withRetry(),
      greeting,
      scriptedDialer(),
    )("h:1", {
      handshake: async (conn) => {
        said.push("the caller's");
        return conn;
      },
    });
    assert.deepEqual(said, ["mine, attempt 1", "the caller's"]);
    conn.destroy();
  });

  test("concurrent dials by a user's decorator have separate attempt numbers", async () => {
    const numbers: number[] = [];
    const twice: Middleware = (next) => async (target, options) => {
      const [first, second] = await Promise.all([next(target, options), next(target, options)]);
      second.destroy();
      return first;
    };
    const ended: number[] = [];
    const hooks = withTrace({
      attemptStart: ({ attempt }) => numbers.push(attempt),
      attemptDone: ({ attempt }) => ended.push(attempt),
    });
    (await compose(hooks, twice, scriptedDialer())("h:1")).destroy();
    assert.deepEqual(numbers, [1, 2]);
    assert.deepEqual(ended, [1, 2]);
  });

  test("a user's decorator may drop the options, and the dial continues without inner events", async () => {
    const events: string[] = [];
    const forgets: Middleware = (next) => (target) => next(target);
    (await compose(withTrace(record(events)), forgets, scriptedDialer())("h:1")).destroy();
    assert.deepEqual(events, ["dialStart", "dialDone success"]);
  });
});

describe("a user's base dialer", () => {
  const optionsOf = async (layers: Middleware[], options: DialOptions<Duplex>) => {
    const base = scriptedDialer();
    (await compose(...layers, base)("h:1", options)).destroy();
    return base.calls[0]?.options as DialOptions<Duplex>;
  };

  test("a user's base dialer gets the caller's signal itself if no layer adds a deadline", async () => {
    const { signal } = new AbortController();
    assert.equal((await optionsOf([withRetry()], { signal })).signal, signal);
  });

  test("a user's base dialer gets no signal if nothing can cancel the dial", async () => {
    assert.equal((await optionsOf([], {})).signal, undefined);
  });

  test("a user's base dialer gets one signal for a timeout, even after a copy of the options", async () => {
    const options = await optionsOf([withTimeout({ timeoutMs: 1000 })], { clock: fakeClock() });
    assert.ok(options.signal instanceof AbortSignal);
    assert.equal(options.signal, options.signal);
    assert.equal({ ...options }.signal, options.signal);
  });

  test("a user's base dialer gets no handshake because the composition runs it", async () => {
    assert.equal((await optionsOf([], { handshake: async (conn) => conn })).handshake, undefined);
  });
});

test("a dial whose base resolves at once uses no timer and no turn of the event loop", async () => {
  let turned = false;
  const immediate = setImmediate(() => {
    turned = true;
  });
  const layers = [withTrace({}), withTimeout({ timeoutMs: 1000 }), withRetry(), withTimeout({ timeoutMs: 500 })];
  const clock = fakeClock();
  const { signal } = new AbortController();
  (await compose(...layers, scriptedDialer())("h:1", { clock, signal })).destroy();
  assert.equal(turned, false);
  clearImmediate(immediate);
});

test("events of a hanging base or handshake end innermost first, in later attempts too", async () => {
  const hangs: Dialer<Duplex> = () => new Promise(() => {});
  for (const [base, phase] of [
    [hangs, []],
    [scriptedDialer(), ["handshake"]],
  ] as const) {
    for (const ending of ["deadline", "abort"] as const) {
      const clock = fakeClock();
      const events: string[] = [];
      const controller = new AbortController();
      const dial = compose(
        withTrace(record(events)),
        spread,
        withTimeout({ timeoutMs: ending === "deadline" ? 130 : 1000 }),
        withRetry({ backoff: () => 1 }),
        withTimeout({ timeoutMs: 50 }),
        base,
      );
      const handshake = () => new Promise<Duplex>(() => {});
      const rejected = assert.rejects(dial("h:1", { clock, handshake, signal: controller.signal }));
      const dialing = rejected.then(() => events.push("the caller gets the rejection"));
      await clock.advance(120);
      if (ending === "abort") controller.abort();
      await clock.advance(20);
      await dialing;
      const started = ["attemptStart", ...phase.map((name) => `${name}Start`)];
      const ended = (outcome: string) => [...phase.map((name) => `${name}Done ${outcome}`), `attemptDone ${outcome}`];
      assert.deepEqual(events, [
        "dialStart",
        ...started,
        "timeout",
        ...ended("failure"),
        "retryScheduled",
        ...started,
        "timeout",
        ...ended("failure"),
        "retryScheduled",
        ...started,
        ...(ending === "deadline"
          ? ["timeout", ...ended("failure"), "retryExhausted", "dialDone failure"]
          : [...ended("canceled"), "dialDone canceled"]),
        "the caller gets the rejection",
      ]);
    }
  }
});
