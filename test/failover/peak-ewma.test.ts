import assert from "node:assert/strict";
import { test } from "node:test";
import { PeakEwma } from "../../src/failover/peak-ewma.ts";

test("PeakEwma is 0 and not measured before the first latency", () => {
  const average = new PeakEwma(1000);
  assert.equal(average.measured, false);
  assert.equal(average.at(5000), 0);
});

test("PeakEwma rises to a peak immediately and falls slowly", () => {
  const average = new PeakEwma(1000);
  average.observe(10, 0);
  assert.equal(average.at(0), 10);
  average.observe(500, 100);
  assert.equal(average.at(100), 500);
  average.observe(10, 100);
  assert.equal(average.at(100), 500);
  average.observe(10, 1100);
  assert.ok(Math.abs(average.at(1100) - (500 / Math.E + 10 * (1 - 1 / Math.E))) < 1e-9);
});

test("PeakEwma falls to 1/e in decayMs while nothing is measured, and ignores time that runs backward", () => {
  const average = new PeakEwma(2000);
  average.observe(100, 1000);
  assert.ok(Math.abs(average.at(3000) - 100 / Math.E) < 1e-9);
  assert.equal(average.at(0), 100);
  assert.equal(average.measured, true);
});
