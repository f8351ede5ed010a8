import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { Consumer } from "../support/consumer.ts";
import { startStage } from "../support/runtime-stage.ts";
import { checkResults, checksConsumer, type RuntimeName, runtimeCommand } from "../support/runtimes.ts";
import type { Result } from "./runtimes/checks.ts";
import { differences } from "./runtimes/differences.ts";

let consumer: Consumer;
let onNode: readonly Result[];

before(async () => {
  consumer = await checksConsumer();
  await using running = await startStage();
  onNode = await checkResults(consumer, running.stage, "node");
});

test("Node.js passes every check of the runtimes", () => {
  assert.ok(onNode.length > 50, `${onNode.length} checks`);
  assert.deepEqual(
    onNode.filter(({ error }) => error !== undefined),
    [],
  );
});

for (const name of ["bun", "deno"] as const) {
  test(`${name} passes every check, except those that are listed as differences`, async (t) => {
    const found = await runtimeCommand(name);
    if ("missing" in found) return t.skip(found.missing);
    await using running = await startStage();
    const results = await checkResults(consumer, running.stage, { name, command: found.command });
    assert.deepEqual(
      results.map(({ title }) => title),
      onNode.map(({ title }) => title),
    );
    for (const result of results) await t.test(`${name}: ${titleOf(name, result)}`, () => compare(name, result));
    const titles = new Set(results.map(({ title }) => title));
    for (const title of Object.keys(differences[name])) assert.ok(titles.has(title), `no check is named "${title}"`);
  });
}

function titleOf(name: RuntimeName, { title }: Result): string {
  return title in differences[name] ? `(a known difference, which must still fail) ${title}` : title;
}

function compare(name: RuntimeName, { title, error }: Result): void {
  const difference = differences[name][title];
  if (difference === undefined) assert.equal(error, undefined, error);
  else assert.notEqual(error, undefined, `${name} passes this check now: remove the difference "${difference}"`);
}
