import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { parseTarget, waterfall } from "../../src/index.ts";
import type { DialRecord, PhaseRecord } from "../../src/record/dial-record.ts";

const phase = (
  name: PhaseRecord["phase"],
  attempt: number,
  startMs: number,
  durationMs: number | undefined,
  more: Partial<PhaseRecord> = {},
): PhaseRecord => ({
  phase: name,
  attempt,
  startMs,
  durationMs,
  subject: "",
  outcome: durationMs === undefined ? undefined : "success",
  reason: undefined,
  note: "",
  ...more,
});

const refused = { outcome: "failure", reason: "refused" } as const;

const mended: DialRecord = {
  target: parseTarget("db:5432"),
  background: false,
  startedAt: 0,
  durationMs: 400,
  outcome: "success",
  reason: undefined,
  message: "",
  attempts: 2,
  droppedPhases: 0,
  phases: [
    phase("attempt", 1, 0, 100, refused),
    phase("dns", 1, 0, 50, { subject: "db", note: "2 addresses" }),
    phase("connect", 1, 50, 50, { subject: "10.0.0.1:5432", ...refused }),
    phase("wait", 1, 100, 100, { reason: "refused" }),
    phase("attempt", 2, 200, 200),
    phase("connect", 2, 200, 100, { subject: "10.0.0.1:5432" }),
    phase("tls", 2, 300, 100, { subject: "db", note: "TLSv1.3" }),
  ],
};

test("waterfall draws the phases of a dial as bars at their positions in time", () => {
  assert.equal(
    waterfall(mended, { columns: 72 }),
    [
      "dial db:5432                                         400 ms  2 attempts",
      "├─ attempt 1                 ─────                   100 ms  refused",
      "│  ├─ dns db                 ██▌                      50 ms  2 addresses",
      "│  └─ connect 10.0.0.1:5432    ▐██                    50 ms  refused",
      "├─ wait                           ·····              100 ms",
      "└─ attempt 2                           ──────────    200 ms",
      "   ├─ connect 10.0.0.1:5432            █████         100 ms",
      "   └─ tls db                                █████    100 ms  TLSv1.3",
    ].join("\n"),
  );
});

test("waterfall draws no line wider than columns, except the message", () => {
  const subject = "a-very-long-name.of-a-host.in-some.cluster.internal:5432";
  const phases = [...mended.phases, phase("connect", 2, 0, 1, { subject })];
  for (const columns of [60, 80, 120, 200]) {
    for (const line of waterfall({ ...mended, phases }, { columns }).split("\n")) {
      assert.ok(line.length <= columns, `${columns}: ${line}`);
    }
  }
});

test("waterfall ends with the message of a failed dial, and marks a canceled dial", () => {
  const failed = waterfall({ ...mended, ...refused, message: "dial db:5432 failed: no" });
  assert.match(failed, /^dial db:5432 .* 400 ms {2}refused\n/);
  assert.match(failed, /\ndial db:5432 failed: no$/);
  const canceled = waterfall({
    ...mended,
    outcome: "canceled",
    phases: [phase("attempt", 1, 0, 400, { outcome: "canceled" })],
  });
  assert.match(canceled, /^dial db:5432 .* 400 ms {2}canceled\n└─ attempt 1 .* 400 ms {2}canceled$/);
});

test("waterfall draws a dial in progress up to the latest known time", () => {
  const phases = [phase("attempt", 1, 0, undefined), phase("connect", 1, 100, undefined, { subject: "10.0.0.1:1" })];
  const drawn = waterfall({ ...mended, durationMs: undefined, outcome: undefined, phases });
  assert.match(
    drawn,
    /^dial db:5432 +under way\n└─ attempt 1 .*under way\n {3}└─ connect 10\.0\.0\.1:1 .*[█▐▌] +under way$/,
  );
});

test("waterfall mentions phases dropped from the record", () => {
  assert.match(waterfall({ ...mended, droppedPhases: 12 }), /\n├─ 12 earlier phases are not kept\n/);
});

test("waterfall draws a dial with a duration of 0", () => {
  const drawn = waterfall({ ...mended, durationMs: 0, phases: [phase("attempt", 1, 0, 0)] });
  assert.match(drawn, /└─ attempt 1 +─ +0\.0 ms$/);
  assert.match(waterfall({ ...mended, durationMs: 0, phases: [] }), /^dial db:5432 +0\.0 ms {2}2 attempts$/);
});

test("waterfall uses colors only on request, and they do not change the text", () => {
  const plain = waterfall(mended);
  assert.ok(!plain.includes("\u001b"));
  const colored = waterfall(mended, { colors: true });
  assert.ok(colored.includes("\u001b[31mrefused\u001b[39m"));
  assert.equal(stripVTControlCharacters(colored), plain);
});

test("waterfall escapes control characters in names and messages", () => {
  const hostile = "\u001b]0;gone\u0007\r\n\u009b2J\u202e";
  const drawn = waterfall({
    ...mended,
    ...refused,
    target: parseTarget({ path: `/run/${hostile}` }),
    message: `no ${hostile}`,
    phases: [phase("connect", 1, 0, 1, { subject: hostile })],
  });
  assert.doesNotMatch(drawn.replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u);
  assert.equal(drawn.split("\n").length, 3);
});

test("waterfall rejects invalid options", () => {
  assert.throws(() => waterfall(mended, { columns: 59 }), /^RangeError: waterfall: columns must be .* got 59$/);
  assert.throws(() => waterfall(mended, { colors: "yes" as never }), /^TypeError: waterfall: colors/);
  assert.throws(() => waterfall(mended, { color: true } as never), /unknown option color;/);
});
