/**
 * The rules of Grafana's dashboard-linter, from its documentation and source, without exclusions and for every kind of
 * panel.
 *
 * @see https://github.com/grafana/dashboard-linter
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { temporaryFile } from "../support/temporary.ts";
import { findCommand } from "../support/tools.ts";
import { type Selector, selectorsOf } from "./promql.ts";
import { type Board, boards, panelsOf } from "./shipped.ts";

const source = "$datasource";
const units = ["short", "percentunit", "s", "ops", "bytes", "Bps"];
const queryVariables = ["job", "instance", "dialer_name"];
const titles: Readonly<Record<string, readonly string[]>> = {
  job: ["Job"],
  instance: ["Instance"],
  dialer_name: ["Dialer", "Client", "Pool"],
};

for (const [file, board] of boards) {
  describe(file, () => {
    it("template-datasource: the data source is a variable with the common name", () => {
      const [first, ...others] = board.templating.list.filter(({ type }) => type === "datasource");
      assert.deepEqual([first?.name, first?.label, first?.query], ["datasource", "Data source", "prometheus"]);
      assert.deepEqual(others, []);
    });

    for (const name of queryVariables) {
      it(`template-${name}: several or all values can be selected`, () => {
        const variable = board.templating.list.find((each) => each.name === name);
        assert.ok(variable, `no variable ${name}`);
        assert.equal(variable.type, "query");
        assert.equal(variable.datasource?.uid, source);
        assert.ok(titles[name]?.includes(variable.label), variable.label);
        assert.equal(variable.multi, true);
        assert.equal(variable.includeAll, true);
        assert.equal(variable.allValue, ".+");
        assert.equal(variable.refresh, 2, "template-on-time-change-reload");
        assert.match(variable.query, /^label_values\(\{.+\}, \w+\)$/, "template-label-promql");
      });
    }

    it("panel-datasource: every panel and query uses the selected data source", () => {
      eachPanel(board, (panel) => {
        assert.equal(panel.datasource?.uid, source);
        for (const target of panel.targets ?? []) assert.equal(target.datasource.uid, source);
      });
    });

    it("panel-title-description: every panel has a unique title and a description", () => {
      const seen = new Set<string>();
      eachPanel(board, ({ title = "", description = "" }) => {
        assert.ok(title !== "" && !seen.has(title), `title: ${title}`);
        seen.add(title);
        assert.match(description, /^[A-Z].{20,}\.$/);
      });
    });

    it("panel-units: every panel has a valid unit", () => {
      eachPanel(board, ({ fieldConfig }) => assert.ok(units.includes(fieldConfig?.defaults.unit ?? "")));
    });

    it("panel-no-targets: every panel has a query", () => {
      eachPanel(board, ({ targets = [] }) => {
        assert.ok(targets.length > 0);
        assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length);
      });
    });

    it("target-promql: every query is valid PromQL", () => {
      const rules = panelsOf(board)
        .flatMap(({ targets = [] }) => targets)
        .map(({ expr }) => ({ record: "checked", expr: expr.replaceAll(/\$__\w+/g, "5m") }));
      const path = temporaryFile(
        "queries.yaml",
        // JSON is valid YAML. Each rule has its own group, because promtool warns about duplicate rules.
        JSON.stringify({ groups: rules.map((rule, index) => ({ name: `query ${index}`, rules: [rule] })) }),
      );
      const { status, stdout, stderr } = spawnSync(
        findCommand("promtool") ?? "promtool",
        ["check", "rules", "--lint=none", path],
        { encoding: "utf8" },
      );
      assert.equal(status, 0, stdout + stderr);
    });

    it("target-rate-interval: every rate uses $__rate_interval", () => {
      eachSelector(board, ({ range, call }) => {
        if (range === undefined || range === "$__rate_interval") return;
        assert.equal(range, "$__range");
        assert.ok(["increase", "sum_over_time"].includes(call ?? ""), `${call} over ${range}`);
      });
    });

    for (const label of queryVariables) {
      it(`target-${label}: every selector uses the variable`, () => {
        eachSelector(board, ({ metric, matchers }) => {
          const found = matchers.filter((each) => each.label === label);
          assert.deepEqual(found, [{ label, op: "=~", value: `$${label}` }], metric);
        });
      });
    }

    it("target-counter-agg: every counter is inside rate or increase", () => {
      eachSelector(board, ({ metric, range, call }) => {
        if (!/_(total|count|sum|bucket)$/.test(metric) || isGauge(metric)) return;
        assert.ok(range !== undefined && ["rate", "irate", "increase"].includes(call ?? ""), metric);
      });
    });

    it("uneditable-dashboard: the dashboard is read-only", () => {
      assert.equal(board.editable, false);
    });

    it("every panel has an id and a position, and no panel overlaps another", () => {
      const taken = new Map<string, string>();
      assert.equal(new Set(board.panels.map(({ id }) => id)).size, board.panels.length);
      for (const { title = "", gridPos } of board.panels) {
        assert.ok(gridPos.x + gridPos.w <= 24, title);
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
            assert.equal(taken.get(`${x},${y}`), undefined, `${title} overlaps another panel at ${x},${y}`);
            taken.set(`${x},${y}`, title);
          }
        }
      }
    });
  });
}

/** Gauges whose names end like those of counters. */
function isGauge(metric: string): boolean {
  return ["dialer_connection_count", "nats_client_server_count"].includes(metric);
}

function eachPanel(board: Board, check: (panel: Board["panels"][number]) => void): void {
  const panels = panelsOf(board);
  assert.ok(panels.length > 5);
  for (const panel of panels) {
    try {
      check(panel);
    } catch (error) {
      throw new Error(`panel ${panel.title}: ${(error as Error).message}`, { cause: error });
    }
  }
}

function eachSelector(board: Board, check: (selector: Selector) => void): void {
  eachPanel(board, ({ targets = [] }) => {
    for (const { expr } of targets) for (const selector of selectorsOf(expr)) check(selector);
  });
}
