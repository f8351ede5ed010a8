import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type BreakerRule, withBreaker } from "../../src/breaker.ts";
import { compose } from "../../src/index.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";

const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });

/** Plays results: `+` connects, `-` fails, `.` waits a second. Returns the number of the result after which the breaker is open. */
async function opensAfter(rule: BreakerRule, results: string): Promise<number | undefined> {
  const clock = fakeClock();
  const breaker = withBreaker({ breaker: rule });
  const good = compose(breaker, scriptedDialer());
  const bad = compose(breaker, scriptedDialer([refused]));
  for (const [index, result] of [...results].entries()) {
    if (result === ".") await clock.advance(1000);
    else if (result === "+") (await good("h:1", { clock })).destroy();
    else await assert.rejects(bad("h:1", { clock }), { reason: "refused" });
    if (breaker.state("h:1") === "open") return index + 1;
  }
  return undefined;
}

describe("breaker rules", () => {
  const sampling = { threshold: 0.5, durationMs: 10_000, minimumRps: 0.4 };
  const rows: readonly (readonly [string, BreakerRule, string, number | undefined])[] = [
    ["opens after consecutive failures", { consecutive: 3 }, "--+--+---", 9],
    ["stays closed when the failures are not consecutive", { consecutive: 3 }, "--+--+--", undefined],
    ["opens at the first failure", { consecutive: 1 }, "+-", 2],
    ["stays closed", { consecutive: Number.POSITIVE_INFINITY }, "--------", undefined],
    ["opens when more than a share of the last dials failed", { count: { threshold: 0.5, size: 4 } }, "++----", 5],
    ["stays closed before there are enough dials", { count: { threshold: 0.5, size: 4 } }, "---", undefined],
    ["opens with minimumNumberOfCalls dials", { count: { threshold: 0.5, size: 4, minimumNumberOfCalls: 2 } }, "--", 2],
    ["opens when more than a share of the dials in the period failed", { sampling }, "+-.--", 5],
    ["stays closed when there were too few dials", { sampling }, "---", undefined],
    ["stays closed when the failures are too old", { sampling }, "---..........-", undefined],
  ];
  for (const [what, rule, results, expected] of rows) {
    test(`a ${Object.keys(rule)} breaker ${what}: ${results}`, async () => {
      assert.equal(await opensAfter(rule, results), expected);
    });
  }
});

describe("breaker rules after a successful probe", () => {
  const rules: readonly (readonly [string, BreakerRule])[] = [
    ["consecutive", { consecutive: 2 }],
    ["count", { count: { threshold: 0.6, size: 3, minimumNumberOfCalls: 2 } }],
    ["sampling", { sampling: { threshold: 0.6, durationMs: 10_000, minimumRps: 0.2 } }],
  ];
  for (const [kind, rule] of rules) {
    test(`a ${kind} breaker restarts after a successful probe`, async () => {
      const clock = fakeClock();
      const breaker = withBreaker({ breaker: rule, halfOpenAfterMs: 100 });
      const steps = [refused, refused, "connect", refused] as const;
      const dial = compose(breaker, scriptedDialer(steps));
      for (const _ of [1, 2]) await assert.rejects(dial("h:1", { clock }));
      assert.equal(breaker.state("h:1"), "open");
      await clock.advance(100);
      (await dial("h:1", { clock })).destroy();
      await assert.rejects(dial("h:1", { clock }));
      assert.equal(breaker.state("h:1"), "closed", "one failure after one success");
      await assert.rejects(dial("h:1", { clock }), { reason: "refused" });
      assert.equal(breaker.state("h:1"), "open");
    });
  }
});
