import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, test } from "node:test";
import { Cancel } from "../../src/async/cancel.ts";
import { compose, withTimeout } from "../../src/index.ts";
import { scriptedDialer } from "../../src/testing.ts";

const listenersOn = (signal: AbortSignal) => getEventListeners(signal, "abort").length;

/** The two kinds: one that is aborted itself, and one that follows a caller's signal. */
const kinds = [
  [
    "of its own",
    () => {
      const cancel = new Cancel();
      return { cancel, abort: (reason: unknown) => cancel.abort(reason) };
    },
  ],
  [
    "of a caller's signal",
    () => {
      const controller = new AbortController();
      return { cancel: new Cancel(controller.signal), abort: (reason: unknown) => controller.abort(reason) };
    },
  ],
] as const;

for (const [kind, make] of kinds) {
  describe(`a cancellation ${kind}`, () => {
    test(`a cancellation ${kind} has the aborted flag and the reason, and throws the reason itself`, () => {
      const { cancel, abort } = make();
      assert.equal(cancel.aborted, false);
      assert.equal(cancel.reason, undefined);
      cancel.throwIfAborted();
      abort("why");
      assert.equal(cancel.aborted, true);
      assert.equal(cancel.reason, "why");
      assert.throws(
        () => cancel.throwIfAborted(),
        (thrown) => thrown === "why",
      );
    });

    test(`a cancellation ${kind} calls its listeners once, newest first`, () => {
      const { cancel, abort } = make();
      const called: number[] = [];
      for (const number of [1, 2, 3]) cancel.onAbort(() => called.push(number));
      abort("first");
      abort("second");
      assert.deepEqual(called, [3, 2, 1]);
      assert.equal(cancel.reason, "first");
    });

    test(`a cancellation ${kind} does not call a removed listener`, () => {
      const { cancel, abort } = make();
      const called: string[] = [];
      const gone = () => called.push("gone");
      cancel.onAbort(gone);
      cancel.onAbort(() => called.push("here"));
      cancel.offAbort(gone);
      cancel.offAbort(gone);
      abort(0);
      assert.deepEqual(called, ["here"]);
    });

    test(`a cancellation ${kind} calls a listener added after the abort immediately`, () => {
      const { cancel, abort } = make();
      abort(0);
      let called = 0;
      cancel.onAbort(() => {
        called += 1;
      });
      assert.equal(called, 1);
    });

    test(`a cancellation ${kind} has one AbortSignal with the same state, read before or after the abort`, () => {
      for (const early of [true, false]) {
        const { cancel, abort } = make();
        if (early) assert.equal(cancel.signal, cancel.signal);
        abort("why");
        assert.equal(cancel.signal.aborted, true);
        assert.equal(cancel.signal.reason, "why");
      }
    });
  });
}

test("a Cancel listens to the caller's signal only while it has listeners itself", () => {
  const { signal } = new AbortController();
  const cancel = new Cancel(signal);
  const [one, two] = [() => {}, () => {}];
  assert.equal(cancel.signal, signal);
  assert.equal(listenersOn(signal), 0);
  cancel.onAbort(one);
  cancel.onAbort(two);
  assert.equal(listenersOn(signal), 1);
  cancel.offAbort(one);
  assert.equal(listenersOn(signal), 1);
  cancel.offAbort(two);
  assert.equal(listenersOn(signal), 0);
  cancel.onAbort(one);
  assert.equal(listenersOn(signal), 1);
});

test("a Cancel leaves no listener on a signal that has aborted", () => {
  const controller = new AbortController();
  const cancel = new Cancel(controller.signal);
  cancel.onAbort(() => {});
  controller.abort();
  assert.equal(listenersOn(controller.signal), 0);
});

test("dials that share a signal add one listener to it, and none remains after they have ended", async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on("warning", onWarning);
  const abort = new AbortController();
  const base = scriptedDialer(["hang"]);
  const dial = compose(withTimeout({ timeoutMs: 60_000 }), base);
  const dials = Array.from({ length: 50 }, () =>
    assert.rejects(dial("a:1", { signal: abort.signal }), { message: "stop" }),
  );
  assert.equal(getEventListeners(abort.signal, "abort").length, 1);
  abort.abort(new Error("stop"));
  await Promise.all(dials);
  await new Promise((resolve) => setImmediate(resolve));
  process.removeListener("warning", onWarning);
  assert.equal(getEventListeners(abort.signal, "abort").length, 0);
  assert.deepEqual(warnings, []);
});
