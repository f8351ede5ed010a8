import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type BreakerRule, withBreaker } from "../../src/breaker.ts";
import { compose } from "../../src/index.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";

const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });

/** Plays results, a character each: `+` connects, `-` fails, `.` is a second. Returns after which one it was open. */
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

describe("a breaker opens", () => {
  const sampling = { threshold: 0.5, durationMs: 10_000, minimumRps: 0.4 };
  const rows: readonly (readonly [string, BreakerRule, string, number | undefined])[] = [
    ["after its failures in a row", { consecutive: 3 }, "--+--+---", 9],
    ["never, of failures that are not in a row", { consecutive: 3 }, "--+--+--", undefined],
    ["at the first one", { consecutive: 1 }, "+-", 2],
    ["never", { consecutive: Number.POSITIVE_INFINITY }, "--------", undefined],
    ["when more than a share of the last so many have failed", { count: { threshold: 0.5, size: 4 } }, "++----", 5],
    ["not before there are so many", { count: { threshold: 0.5, size: 4 } }, "---", undefined],
    ["but with as many as are asked for", { count: { threshold: 0.5, size: 4, minimumNumberOfCalls: 2 } }, "--", 2],
    ["when more than a share of the last while have failed", { sampling }, "+-.--", 5],
    ["not when there were too few", { sampling }, "---", undefined],
    ["not when failures are long over", { sampling }, "---..........-", undefined],
  ];
  for (const [what, rule, results, expected] of rows) {
    test(`${what}: ${Object.keys(rule)} ${results}`, async () => {
      assert.equal(await opensAfter(rule, results), expected);
    });
  }
});

describe("after a probe that succeeded, a breaker begins anew", () => {
  const rules: readonly (readonly [string, BreakerRule])[] = [
    ["consecutive", { consecutive: 2 }],
    ["count", { count: { threshold: 0.6, size: 3, minimumNumberOfCalls: 2 } }],
    ["sampling", { sampling: { threshold: 0.6, durationMs: 10_000, minimumRps: 0.2 } }],
  ];
  for (const [kind, rule] of rules) {
    test(kind, async () => {
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
