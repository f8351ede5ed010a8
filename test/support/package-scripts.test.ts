import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";

test("every file named by a script of package.json exists", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };
  const files = Object.values(scripts).flatMap((script) => script.match(/[\w./-]+\.(?:ts|js)\b/g) ?? []);
  assert.ok(files.length >= 6);
  assert.deepEqual(
    files.filter((file) => !existsSync(file)),
    [],
  );
});

test("every file and folder of tests named by .ci/run exists", () => {
  const paths = readFileSync(".ci/run", "utf8").match(/\btest\/[\w./-]+/g) ?? [];
  assert.ok(paths.length >= 4);
  assert.deepEqual(
    paths.filter((path) => !existsSync(path)),
    [],
  );
});
