import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { findCommand } from "../support/tools.ts";
import { alerts, alertsFile, recordingRules, rulesFile } from "./shipped.ts";

/** The contents of promtool's unit tests. */
interface UnitTests {
  readonly tests: readonly {
    readonly alert_rule_test?: readonly {
      readonly alertname: string;
      readonly exp_alerts?: readonly { readonly exp_labels: Readonly<Record<string, string>> }[];
    }[];
    readonly promql_expr_test?: readonly {
      readonly expr: string;
      readonly exp_samples: readonly { readonly value: number }[];
    }[];
  }[];
}

const folder = "test/dashboards/promtool";
const files = readdirSync(folder).map((name) => join(folder, name));
const unitTests = files.flatMap((file) => (parse(readFileSync(file, "utf8")) as UnitTests).tests);
const severities = ["critical", "warning"];

function promtool(...args: string[]): void {
  const { status, stdout, stderr } = spawnSync(findCommand("promtool") ?? "promtool", args, { encoding: "utf8" });
  assert.equal(status, 0, stdout + stderr);
}

test("promtool accepts the rules and alerts", () => {
  promtool("check", "rules", rulesFile, alertsFile);
});

test("rules and alerts pass promtool's unit tests", () => {
  promtool("test", "rules", ...files);
});

test("promtool's unit tests cover each alert firing, at each severity, and staying silent", () => {
  const asked = unitTests.flatMap(({ alert_rule_test = [] }) => alert_rule_test);
  for (const { alert, labels } of alerts) {
    const own = asked.filter(({ alertname }) => alertname === alert);
    const fired = own.flatMap(({ exp_alerts = [] }) => exp_alerts);
    assert.ok(
      fired.some(({ exp_labels }) => exp_labels.severity === labels?.severity),
      `${alert} (${labels?.severity}) never fires`,
    );
    assert.ok(
      own.some(({ exp_alerts = [] }) => exp_alerts.length === 0),
      `${alert} is never expected to be silent`,
    );
  }
});

test("promtool's unit tests expect every alert to stay silent on healthy traffic", () => {
  const { tests } = parse(readFileSync(join(folder, "healthy.yaml"), "utf8")) as UnitTests;
  const asked = tests.flatMap(({ alert_rule_test = [] }) => alert_rule_test);
  assert.deepEqual(
    asked.filter(({ exp_alerts = [] }) => exp_alerts.length > 0),
    [],
  );
  assert.deepEqual(
    [...new Set(asked.map(({ alertname }) => alertname))].sort(),
    [...new Set(alerts.map(({ alert }) => alert))].sort(),
  );
});

test("promtool's unit tests cover each recording rule with and without a value", () => {
  const asked = unitTests.flatMap(({ promql_expr_test = [] }) => promql_expr_test);
  for (const { record = "" } of recordingRules) {
    const values = asked
      .filter(({ expr }) => expr.includes(record))
      .flatMap(({ exp_samples }) => exp_samples.map(({ value }) => value));
    assert.ok(
      values.some((value) => value > 0.005),
      `${record} is never seen above zero`,
    );
    assert.ok(
      values.some((value) => value < 0.01),
      `${record} is never seen near zero`,
    );
  }
});

test("every alert has a severity, annotations and a runbook section", () => {
  const runbook = readFileSync("dashboards/README.md", "utf8");
  for (const { alert = "", labels, annotations } of alerts) {
    assert.ok(severities.includes(labels?.severity ?? ""), alert);
    assert.match(annotations?.summary ?? "", /\{\{ \$labels\.\w+ \}\}/, alert);
    assert.match(annotations?.description ?? "", /\{\{ \$labels\.\w+ \}\}.*\.$/, alert);
    assert.equal(annotations?.runbook_url, `dashboards/README.md#${alert.toLowerCase()}`);
    const section = runbook.split(`\n### ${alert}\n`)[1]?.split("\n#", 1)[0] ?? "";
    assert.ok(section.trim().length > 200, `README.md has no section about ${alert}, or a section that is too short`);
  }
  const sections = [...runbook.matchAll(/^### ((?:Dialer|NatsClient)\w+)$/gm)].map((match) => match[1]);
  assert.deepEqual(sections.sort(), [...new Set(alerts.map(({ alert }) => alert))].sort());
});
