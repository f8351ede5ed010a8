import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Tally } from "../../src/cli/tally.ts";

const durations = fc.array(fc.double({ min: 0.001, max: 1e5, noNaN: true }), { minLength: 1, maxLength: 200 });

function tallyOf(values: readonly number[]): Tally {
  const tally = new Tally();
  for (const ms of values) tally.add("success", ms);
  return tally;
}

test("quantiles are within 1 % of the exact ones, and never outside of minimum and maximum", () => {
  fc.assert(
    fc.property(durations, (values) => {
      const { minMs, medianMs, p99Ms, maxMs, succeeded } = tallyOf(values).summary;
      const sorted = values.toSorted((a, b) => a - b);
      const exact = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] as number;
      assert.equal(succeeded, values.length);
      assert.equal(minMs, sorted[0]);
      assert.equal(maxMs, sorted.at(-1));
      for (const [found = 0, share] of [
        [medianMs, 0.5],
        [p99Ms, 0.99],
      ] as const) {
        assert.ok(Math.abs(found - exact(share)) <= 0.01 * exact(share), `${found} against ${exact(share)}`);
        assert.ok(found >= (minMs ?? 0) && found <= (maxMs ?? 0));
      }
    }),
  );
});

test("each dial is in the one bar of the histogram whose bound it does not exceed, and bars have no gaps", () => {
  fc.assert(
    fc.property(durations, (values) => {
      const { bars } = tallyOf(values);
      let below = 0;
      for (const { upToMs, count } of bars) {
        assert.equal(count, values.filter((ms) => ms > below && ms <= upToMs).length);
        assert.match(String(upToMs), /^0?\.?0*[125]0*$/);
        below = upToMs;
      }
      assert.ok(bars.length <= 22);
    }),
  );
});

test("failures are counted by reason, most frequent first, and interrupted dials are not counted", () => {
  const tally = new Tally();
  tally.add("failure", 1, "timeout");
  tally.add("failure", 1, "refused");
  tally.add("failure", 1, "refused");
  tally.add("canceled", 1);
  const { dials, failed, reasons, medianMs } = tally.summary;
  assert.deepEqual([dials, failed, medianMs], [3, 3, undefined]);
  assert.deepEqual(
    [...reasons],
    [
      ["refused", 2],
      ["timeout", 1],
    ],
  );
  assert.deepEqual(tally.bars, []);
});
