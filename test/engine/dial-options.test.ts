import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  compose,
  DialError,
  type Dialer,
  type Middleware,
  pool,
  tcp,
  withRetry,
  withTimeout,
} from "../../src/index.ts";
import { scriptedDialer } from "../../src/testing.ts";

const anything = (options: unknown) => options as never;

describe("invalid options of a dial", () => {
  for (const [what, options, message] of [
    ["a misspelled option", { timeout: 5 }, "dial: unknown option timeout; did you mean timeoutMs?"],
    ["an unknown option", { lookup() {} }, /^dial: unknown option lookup; the options are signal, trace, handshake, /],
    [
      "an AbortSignal",
      new AbortController().signal,
      "dial: options must be an object, got an AbortSignal; pass it as { signal }",
    ],
    ["an AbortController", new AbortController(), "dial: options must be an object, got an AbortController"],
    ["null", null, "dial: options must be an object, got null"],
    ["a number", 5000, "dial: options must be an object, got 5000"],
    ["a callback", () => {}, "dial: options must be an object, got a function"],
    ["an array", [{ timeoutMs: 5 }], "dial: options must be an object, got an array"],
    [
      "a controller for a signal",
      { signal: new AbortController() },
      "dial: signal must be an AbortSignal, got an AbortController; pass its signal",
    ],
    ["an observer for a trace", { trace: () => ({}) }, "dial: trace must be an object of hooks, got a function"],
    ["null for a signal", { signal: null }, "dial: signal must be an AbortSignal, got null"],
    ["text for a boolean", { background: "true" }, 'dial: background must be true or false, got "true"'],
    ["text for an owner", { owner: "me" }, 'dial: owner must be an object, got "me"'],
    ["a clock without timers", { clock: { now: () => 0 } }, "dial: clock.setTimeout must be a function, got undefined"],
    ["a number as text", { timeoutMs: "5" }, /^dial: timeoutMs must be a number of milliseconds .* got "5"$/],
  ] as const) {
    test(`a dial rejects ${what} before anything is dialed`, async () => {
      const base = scriptedDialer();
      const dial = compose(withTimeout({ timeoutMs: 1000 }), withRetry(), base);
      await assert.rejects(dial("h:1", anything(options)), (error: Error & { code?: string }) => {
        assert.ok(error instanceof TypeError || error instanceof RangeError);
        assert.equal(error.code, "ERR_INVALID_OPTION");
        if (typeof message === "string") assert.equal(error.message, message);
        else assert.match(error.message, message);
        return true;
      });
      assert.equal(base.calls.length, 0);
    });
  }

  test("acquire rejects invalid options before anything is dialed", async () => {
    const base = scriptedDialer();
    await using connections = pool({ dialer: base });
    await assert.rejects(connections.acquire("h:1", anything({ timeout: 5 })), {
      message: "acquire: unknown option timeout; did you mean timeoutMs?",
    });
    await assert.rejects(connections.acquire("h:1", anything(new AbortController().signal)), {
      message: "acquire: options must be an object, got an AbortSignal; pass it as { signal }",
    });
    assert.equal(base.calls.length, 0);
  });
});

describe("valid options of a dial", () => {
  test("a dial accepts undefined options and undefined values", async () => {
    const dial = compose(withRetry(), scriptedDialer());
    (await dial("h:1", undefined)).destroy();
    const names = ["signal", "trace", "handshake", "background", "owner", "clock", "timeoutMs", "maxAttempts", "skip"];
    (await dial("h:1", anything(Object.fromEntries(names.map((name) => [name, undefined]))))).destroy();
  });

  test("a dial accepts a class instance with getters, methods and symbol keys as options", async () => {
    const { signal } = new AbortController();
    class Options {
      background = true;
      get signal() {
        return signal;
      }
      describe() {}
    }
    const options = Object.assign(new Options(), { [Symbol("mine")]: 1 });
    (await compose(scriptedDialer())("h:1", anything(options))).destroy();
    (await compose(scriptedDialer())("h:1", Object.freeze(Object.create(null)))).destroy();
  });

  test("a dial accepts options that a user's decorator has changed", async () => {
    const own: Middleware = (next) => (target, options) => next(target, { ...options, maxAttempts: 2, trace: {} });
    const base = scriptedDialer([new Error("no"), "connect"]);
    const { signal } = new AbortController();
    (await compose(own, own, withRetry({ maxAttempts: 1, initialBackoffMs: 0 }), base)("h:1", { signal })).destroy();
    assert.equal(base.calls.length, 2);
  });
});

describe("misuse detected during a dial", () => {
  for (const [what, mistaken, attempts] of [
    ["a factory called as a dialer", ((target, options) => (tcp as unknown as Dialer)(target, options)) as Dialer, 1],
    ["a base that resolves with undefined", (async () => undefined) as unknown as Dialer, 1],
    ["a base that resolves with a dialer", (async () => tcp()) as unknown as Dialer, 1],
    [
      "a base that passes an unknown option to a factory",
      (async (target) => tcp({ familly: 4 } as object)(target)) as Dialer,
      1,
    ],
    [
      "a base that passes an unknown option to a dialer",
      ((target) => compose(tcp())(target, anything({ timeout: 5 }))) as Dialer,
      1,
    ],
  ] as const) {
    test(`${what} fails with reason config and is not retried`, async () => {
      let calls = 0;
      const counted: Dialer = (target, options) => {
        calls += 1;
        return mistaken(target, options);
      };
      await assert.rejects(compose(withRetry({ initialBackoffMs: 0 }), counted)("127.0.0.1:1"), (error) => {
        assert.ok(error instanceof DialError, String(error));
        assert.deepEqual([error.reason, error.attemptCount], ["config", attempts]);
        return true;
      });
      assert.equal(calls, attempts);
    });
  }

  test("a decorator that adds an unknown option fails the dial and is not retried", async () => {
    const base = scriptedDialer();
    let calls = 0;
    const own: Middleware = (next) => (target, options) => {
      calls += 1;
      return next(target, anything({ ...options, timeout: 5 }));
    };
    await assert.rejects(compose(withRetry({ initialBackoffMs: 0 }), own, base)("h:1"), {
      message: "dial: unknown option timeout; did you mean timeoutMs?",
    });
    assert.deepEqual([calls, base.calls.length], [1, 0]);
  });
});
