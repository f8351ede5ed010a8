import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { alerts, boards, recordingRules } from "./shipped.ts";

const readme = readFileSync("dashboards/README.md", "utf8");

for (const [file, { panels, templating }] of boards) {
  test(`dashboards/README.md describes each panel of ${file}`, () => {
    const name = file.replace(".json", "");
    const owner = templating.list.find((variable) => variable.name === "dialer_name")?.label.toLowerCase();
    const expected = [
      "| panel | content |",
      "| --- | --- |",
      ...panels.map(({ type, title, description, repeat }) =>
        type !== "row" ? `| ${title} | ${description} |` : `| **${repeat ? `a row for each ${owner}` : title}** | |`,
      ),
    ].join("\n");
    const [, rest = ""] = readme.split(`<!-- panels of ${name}: held by a test -->\n`);
    assert.equal(rest.split("\n<!-- /panels -->", 1)[0], expected);
  });
}

test("dashboards/README.md lists every alert with its severities, and every recording rule", () => {
  for (const name of new Set(alerts.map(({ alert }) => alert))) {
    const severities = alerts.filter(({ alert }) => alert === name).map(({ labels }) => labels?.severity);
    assert.ok(readme.includes(`\n| ${name} | ${severities.join(", ")} | `), name);
  }
  const [, section = ""] = readme.split("\n## Recording rules\n");
  for (const { record = "" } of recordingRules) {
    const [, name = "", window = ""] = /^(.*_(?:rate|avg))(\w+)$/.exec(record) ?? [];
    const row = section.split("\n").find((line) => line.startsWith(`| \`${name}`));
    assert.ok(row?.split("|", 2)[1]?.includes(window), record);
  }
});
