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

/** A layer of the user's own that says when it is entered and left. */
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

/** A layer of the user's own that hands the options on as a copy. */
const spread: Middleware = (next) => (target, options) => next(target, { ...options });

describe("layers", () => {
  test("wrappers first = outermost: they stand outermost first", async () => {
    const said: string[] = [];
    const conn = await compose(spy("a", said), spy("b", said), spy("c", said), scriptedDialer())("h:1");
    assert.deepEqual(said, ["a in", "b in", "c in", "c out", "b out", "a out"]);
    conn.destroy();
  });

  test("are built once, when the dialer is", async () => {
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

  test("may be none but the base", async () => {
    const base = scriptedDialer();
    assert.equal(await compose(base)("h:1"), base.connections[0]);
  });

  test("of one factory may stand in several dialers", async () => {
    const retry = withRetry({ maxAttempts: 2, backoff: () => 0 });
    const clock = fakeClock();
    const [one, two] = [scriptedDialer([new Error("no"), "connect"]), scriptedDialer()];
    const both = Promise.all([compose(retry, one)("h:1", { clock }), compose(retry, two)("h:1", { clock })]);
    await clock.advance(0);
    await both;
    assert.deepEqual([one.calls.length, two.calls.length], [2, 1]);
  });
});

describe("misuse is refused, by the number of the layer:", () => {
  const anything = (...layers: unknown[]) => (compose as (...layers: unknown[]) => Dialer<Duplex>)(...layers);

  test("no layer at all", () => {
    assert.throws(() => anything(), { name: "TypeError", message: "compose: needs a base dialer such as tcp()" });
  });

  for (const [what, layer] of [
    ["undefined", undefined],
    ["null", null],
    ["an object", {}],
    ["an array", []],
    ['"tcp"', "tcp"],
  ]) {
    test(`${what} for a layer, and for a base`, () => {
      const message = (number: number) => `compose: layer ${number} must be a function, got ${what}`;
      assert.throws(() => anything(withRetry(), layer, tcp()), { name: "TypeError", message: message(2) });
      assert.throws(() => anything(withRetry(), withRetry(), layer), { name: "TypeError", message: message(3) });
    });
  }

  test("a base dialer in the middle, of this package's or of the user's own", () => {
    const message = "compose: layer 2 must be a middleware, got a dialer; a base dialer comes last";
    for (const base of [tcp(), scriptedDialer(), compose(tcp())]) {
      assert.throws(() => anything(withRetry(), base, tcp()), { name: "TypeError", message });
    }
    const returned = "compose: layer 2 returned a promise instead of a dialer; a base dialer such as tcp() comes last";
    const own: Dialer = (target, options) => tcp()(target, options);
    assert.throws(() => anything(withRetry(), own, tcp()), { name: "TypeError", message: returned });
  });

  test("a factory that was not called", () => {
    assert.throws(() => anything(withTimeout, tcp()), {
      name: "TypeError",
      message: "compose: layer 1 must be a function, got the factory withTimeout; call it: withTimeout()",
    });
  });

  test("no base: a decorator stands last", async () => {
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
    test(`a base that resolves with ${what}`, async () => {
      const dial = compose(async () => result as Duplex);
      await assert.rejects(dial("h:1"), { message: new RegExp(`must resolve with a connection, got ${what};`) });
    });

    test(`a base that resolves with ${what} after it was given up`, async () => {
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

  test("a layer that forgets to return what is beneath fails the dial, and its connection is closed", async () => {
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

  test("a base that resolves with nothing has reason config, and is not tried again", async () => {
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
    test(`a base whose promise is of its own kind and ${what} is settled once`, async () => {
      const dial = compose(withTimeout({ timeoutMs: 1000 }), () => ({ then }) as never);
      const conn: Duplex = await dial("h:1");
      assert.equal(conn.destroyed, false);
      conn.destroy();
    });
  }

  test("a base that rejects with what can't be made a string fails the dial", async () => {
    const odd = Object.create(null);
    await assert.rejects(compose(() => Promise.reject(odd))("h:1"), {
      name: "DialError",
      message: "dial h:1: [object Object]",
      cause: odd,
    });
  });

  test("a connection that comes too late, throws when destroyed and emits an error afterwards harms nothing", async () => {
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

  test("a base that throws, rather than rejects", async () => {
    const dial = compose((): Promise<Duplex> => {
      throw new Error("at once");
    });
    await assert.rejects(dial("h:1"), { name: "DialError", message: "dial h:1: at once" });
  });

  test("a bad target and a bad signal reject, they don't throw", async () => {
    const dial = compose(scriptedDialer());
    await assert.rejects(dial("nowhere"), /^TypeError: invalid target "nowhere"/);
    await assert.rejects(dial("h:1", { signal: {} as AbortSignal }), /^TypeError: dial: signal must be an AbortSignal/);
  });

  test("a connection that was closed before it was handed out", async () => {
    const closed = scriptedDialer([async () => connection().destroy()]);
    await assert.rejects(compose(closed)("h:1"), {
      name: "DialError",
      reason: "handshake_closed",
      message: "dial h:1: closed before it was ready",
    });
  });
});

describe("a composition within a composition", () => {
  test("counts attempts once, and its observers see them once", async () => {
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

  test("beneath a base of the user's own is one attempt, whatever it does inside", async () => {
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

  test("runs the handshake once, in the attempt of the outer", async () => {
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

  test("numbers attempts through, where retries nest", async () => {
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

describe("a decorator of the user's own", () => {
  test("may spread the options", async () => {
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

  test("may replace the signal: the attempt ends with that one's reason, and a retry follows", async () => {
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

  test("may add a signal to the caller's, and either ends the dial", async () => {
    const extra = new AbortController();
    const both: Middleware = (next) => (target, options) => {
      const signals = [extra.signal, ...(options?.signal ? [options.signal] : [])];
      return next(target, { ...options, signal: AbortSignal.any(signals) });
    };
    const callers = new AbortController();
    const dial = compose(withTimeout({ timeoutMs: 1000 }), both, scriptedDialer(["hang"]));
    const first = dial("h:1", { signal: callers.signal });
    await turns();
    callers.abort(new Error("the caller's"));
    await assert.rejects(first, /^Error: the caller's$/);
    const second = dial("h:1");
    await turns();
    extra.abort(new Error("the extra one"));
    await assert.rejects(second, /^Error: the extra one$/);
  });

  test("may wrap the handshake", async () => {
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

  test("may dial several at once, each with its own number", async () => {
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

  test("may forget the options: the dial goes on, unobserved beneath it", async () => {
    const events: string[] = [];
    const forgets: Middleware = (next) => (target) => next(target);
    (await compose(withTrace(record(events)), forgets, scriptedDialer())("h:1")).destroy();
    assert.deepEqual(events, ["dialStart", "dialDone success"]);
  });
});

describe("a base of the user's own", () => {
  const optionsOf = async (layers: Middleware[], options: DialOptions<Duplex>) => {
    const base = scriptedDialer();
    (await compose(...layers, base)("h:1", options)).destroy();
    return base.calls[0]?.options as DialOptions<Duplex>;
  };

  test("gets the caller's very signal where no layer bounds it", async () => {
    const { signal } = new AbortController();
    assert.equal((await optionsOf([withRetry()], { signal })).signal, signal);
  });

  test("gets no signal where there is none", async () => {
    assert.equal((await optionsOf([], {})).signal, undefined);
  });

  test("gets a timeout's signal, the same at each look and after a spread", async () => {
    const options = await optionsOf([withTimeout({ timeoutMs: 1000 })], { clock: fakeClock() });
    assert.ok(options.signal instanceof AbortSignal);
    assert.equal(options.signal, options.signal);
    assert.equal({ ...options }.signal, options.signal);
  });

  test("gets no handshake: that is the composition's to run", async () => {
    assert.equal((await optionsOf([], { handshake: async (conn) => conn })).handshake, undefined);
  });
});

test("a dial that waits for nothing needs no timer and no turn of the event loop", async () => {
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

test("events of a hanging base or handshake come in order, in a later attempt too: what is inside ends first", async () => {
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
      const dialing = rejected.then(() => events.push("the caller is told"));
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
        "the caller is told",
      ]);
    }
  }
});
