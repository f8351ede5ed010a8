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
  ["an error, nothing to cancel", reset, undefined, "reset"],
  ["an error, nothing canceled", reset, new Cancel(), "reset"],
  ["an error of its own beside an abort", reset, aborted("why"), "canceled"],
  ["an error of its own beside a timeout above", reset, aborted(timeout), "timeout"],
  ["the abort's own reason", "why", aborted("why"), "canceled"],
  ["the abort's own reason that looks like a reset", reset, aborted(reset), "canceled"],
  ["the abort of a timeout above", timeout, aborted(timeout), "timeout"],
  ["the abort of another layer above", full, aborted(full), "server_limit"],
  ["an AbortError that nobody here asked for", AbortSignal.abort().reason, undefined, "canceled"],
];
for (const [what, error, cancel, expected] of rows) {
  test(`${what}: ${expected}`, () => {
    const ended = outcomeOf(error, cancel);
    assert.equal(ended.outcome === "canceled" ? "canceled" : ended.reason, expected);
    assert.equal(ended.error, cancel?.aborted ? cancel.reason : error);
  });
}
