import assert from "node:assert/strict";
import { test } from "node:test";
import { meanContention } from "../bench/storm/occ.js";

// The claims of https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ about 100 clients.
const runs = 40;
const none = meanContention(100, "none", runs);
const exponential = meanContention(100, "exponential", runs);
const equal = meanContention(100, "equal", runs);
const full = meanContention(100, "full", runs);
const decorrelated = meanContention(100, "decorrelated", runs);

/** Means of 100 runs of the article's own simulator. */
const published = {
  none: { calls: 2420, ms: 2021 },
  exponential: { calls: 1860, ms: 63_637 },
  equal: { calls: 811, ms: 6620 },
  full: { calls: 797, ms: 4924 },
  decorrelated: { calls: 999, ms: 4585 },
};

test("contention produces the calls and times of the simulator of 'Exponential Backoff And Jitter'", () => {
  for (const [name, ours] of Object.entries({ none, exponential, equal, full, decorrelated })) {
    const theirs = published[name as keyof typeof published];
    assert.ok(Math.abs(ours.calls / theirs.calls - 1) < 0.03, `${name}: ${ours.calls} calls, theirs ${theirs.calls}`);
    assert.ok(Math.abs(ours.ms / theirs.ms - 1) < 0.08, `${name}: ${ours.ms} ms, theirs ${theirs.ms}`);
  }
});

test("contention without backoff needs calls that grow with the square of the clients", () => {
  const half = meanContention(50, "none", runs);
  const growth = none.calls / half.calls;
  assert.ok(growth > 3.3 && growth < 4.2, `${half.calls} calls of 50 clients, ${none.calls} of 100`);
});

test("contention with full jitter needs less than half the calls of exponential backoff without jitter", () => {
  assert.ok(full.calls < exponential.calls / 2, `${full.calls} of ${exponential.calls}`);
});

test("contention with exponential backoff without jitter needs more calls and far more time than any jitter", () => {
  for (const other of [equal, full, decorrelated]) {
    assert.ok(exponential.calls > 1.5 * other.calls, `${exponential.calls} calls to ${other.calls}`);
    assert.ok(exponential.ms > 5 * other.ms, `${exponential.ms} ms to ${other.ms}`);
  }
});

test("contention with full jitter needs the fewest calls, equal slightly more, decorrelated more", () => {
  assert.ok(equal.calls > full.calls && equal.calls < 1.1 * full.calls, `${equal.calls} to ${full.calls}`);
  assert.ok(decorrelated.calls > 1.15 * full.calls, `${decorrelated.calls} to ${full.calls}`);
});

test("contention with equal jitter takes much longer than full, and full about as long as decorrelated", () => {
  assert.ok(equal.ms > 1.25 * full.ms, `${equal.ms} ms to ${full.ms}`);
  assert.ok(
    full.ms < 1.15 * decorrelated.ms && full.ms > 0.95 * decorrelated.ms,
    `${full.ms} ms to ${decorrelated.ms}`,
  );
});
