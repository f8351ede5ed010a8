import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { renderBoards } from "../../dashboards/boards.ts";

const folder = "dashboards/grafana";

test("the dashboards match their generator; run npm run dashboards if not", () => {
  const rendered = renderBoards();
  assert.deepEqual(readdirSync(folder).sort(), [...rendered.keys()].sort());
  for (const [file, json] of rendered) {
    assert.ok(readFileSync(join(folder, file), "utf8") === json, `${file} is stale: run npm run dashboards`);
  }
});

test("the dashboard generator is deterministic", () => {
  assert.deepEqual([...renderBoards()], [...renderBoards()]);
});
