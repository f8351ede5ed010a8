import assert from "node:assert/strict";
import { test } from "node:test";
import { Cancel } from "../../src/async/cancel.ts";
import { outcomeOf } from "../../src/engine/outcome.ts";
import { DialError, DialTimeoutError } from "../../src/index.ts";

const reset = Object.assign(new Error("reset"), { code: "ECONNRESET", syscall: "read" });
const timeout = new DialTimeoutError("late", { scope: "dial", timeoutMs: 1 });
const full = new DialError("full", { reason: "server_limit" });
const aborted = (reason?: unknown) => {
  const cancel = new Cancel();
  cancel.abort(reason);
  return cancel;
};

const rows: readonly (readonly [string, unknown, Cancel | undefined, string])[] = [
  ["an error without a cancel", reset, undefined, "reset"],
  ["an error with a cancel that is not aborted", reset, new Cancel(), "reset"],
  ["an error that follows an abort", reset, aborted("why"), "canceled"],
  ["an error that follows a timeout of an outer layer", reset, aborted(timeout), "timeout"],
  ["the reason of the abort", "why", aborted("why"), "canceled"],
  ["the reason of the abort, even if it looks like a reset", reset, aborted(reset), "canceled"],
  ["an abort by a timeout of an outer layer", timeout, aborted(timeout), "timeout"],
  ["an abort by another outer layer", full, aborted(full), "server_limit"],
  ["an AbortError without a cancel", AbortSignal.abort().reason, undefined, "canceled"],
];
for (const [what, error, cancel, expected] of rows) {
  test(`outcomeOf returns ${expected} for ${what}`, () => {
    const ended = outcomeOf(error, cancel);
    assert.equal(ended.outcome === "canceled" ? "canceled" : ended.reason, expected);
    assert.equal(ended.error, cancel?.aborted ? cancel.reason : error);
  });
}
