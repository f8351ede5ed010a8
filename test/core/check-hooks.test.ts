import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { compose, type DialTrace, pool, withTrace } from "../../src/index.ts";
import { instrument } from "../../src/nats.ts";
import { scriptedDialer } from "../../src/testing.ts";

const misspelled = { conectDone() {} } as DialTrace;
const dialer = scriptedDialer();
const connection = { status() {} } as never;

/** Where hooks are given. Each resolves, or rejects, when it has looked at them. */
const places: Readonly<Record<string, (hooks: unknown) => Promise<unknown>>> = {
  "withTrace: observer": async (hooks) => withTrace(hooks as DialTrace),
  "dial: trace": (hooks) => compose(dialer)("h:1", { trace: hooks as DialTrace }),
  "acquire: trace": (hooks) => pool({ dialer }).acquire("h:1", { trace: hooks as DialTrace }),
};

for (const [place, give] of Object.entries(places)) {
  describe(`${place}:`, () => {
    for (const [what, hooks, message] of [
      ["a misspelled hook", misspelled, "unknown hook conectDone; did you mean connectDone?"],
      ["a hook of another kind of trace", { acquireDone() {} }, /unknown hook acquireDone; the hooks are dialStart, /],
      ["a hook that is not a function", { connectDone: 5 }, "connectDone must be a function, got 5"],
      ["a hook that is null", { connectDone: null }, "connectDone must be a function, got null"],
      ["a misspelled value", { conectDone: 5 }, "unknown hook conectDone; did you mean connectDone?"],
    ] as const) {
      test(`${place} rejects ${what} before anything is dialed`, async () => {
        await assert.rejects(give(hooks), {
          name: "TypeError",
          code: "ERR_INVALID_OPTION",
          message: typeof message === "string" ? `${place}: ${message}` : message,
        });
        assert.equal(dialer.calls.length, 0);
      });
    }

    for (const value of ["hooks", 5, null, [{}], new AbortController().signal]) {
      test(`${place} rejects ${Object.prototype.toString.call(value)} in place of hooks`, async () => {
        await assert.rejects(give(value), {
          name: "TypeError",
          message: new RegExp(`^${place} must be an object of hooks`),
        });
      });
    }
  });
}

test("an object of hooks may have other fields, and a class of hooks may have other methods", async () => {
  class Counter {
    dials = 0;
    dialStart() {
      this.#add(1);
    }
    reset = () => {
      this.dials = 0;
    };
    total() {
      return this.dials;
    }
    #add(count: number) {
      this.dials += count;
    }
  }
  class Derived extends Counter {}
  const literal = {
    dials: 0,
    dialStart() {
      this.dials += 1;
    },
    dialDone: undefined,
  };
  for (const hooks of [new Counter(), new Derived(), literal]) {
    const dial = compose(withTrace(hooks as DialTrace), scriptedDialer());
    (await dial("h:1", { trace: hooks as DialTrace })).destroy();
    assert.equal(hooks.dials, 2);
  }
});

test("a class of hooks with a misspelled method is rejected, even if the method is inherited", () => {
  class Hooks {
    conectDone() {}
  }
  class Derived extends Hooks {}
  const message = "withTrace: observer: unknown hook conectDone; did you mean connectDone?";
  assert.throws(() => withTrace(new Hooks() as DialTrace), { message });
  assert.throws(() => withTrace(new Derived() as DialTrace), { message });
});

test("an observer that returns misspelled hooks causes one warning, and the dial continues", async () => {
  const warnings: Error[] = [];
  const collect = (warning: Error) => void warnings.push(warning);
  process.on("warning", collect);
  try {
    const warned = once(process, "warning");
    const dial = compose(
      withTrace(() => ({ dialStrat() {} }) as DialTrace),
      scriptedDialer(),
    );
    for (let nth = 0; nth < 3; nth += 1) (await dial("h:1")).destroy();
    await warned;
    assert.deepEqual(
      warnings.map(({ name, message }) => [name, message]),
      [["DialtraceWarning", "withTrace: observer: unknown hook dialStrat; did you mean dialStart?"]],
    );
  } finally {
    process.off("warning", collect);
  }
});

test("hooks of pools and clients are checked against their own event names", () => {
  assert.throws(() => pool({ dialer, trace: { evictd() {} } as never }), {
    message: "pool: trace: unknown hook evictd; did you mean evicted?",
  });
  assert.throws(() => pool({ dialer, trace: [{}, { dialDone() {} } as never] }), {
    message: "pool: trace: unknown hook dialDone; the hooks are acquireDone, releaseDone, evicted, end",
  });
  assert.throws(() => instrument(connection, { trace: { reconect() {} } as never }), {
    message: "instrument: trace: unknown hook reconect; did you mean reconnect?",
  });
});
