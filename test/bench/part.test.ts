import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { findParts, isNamed } from "./part.js";

function bench(...flags: readonly string[]) {
  return spawnSync(process.execPath, ["--expose-gc", "test/bench/main.js", ...flags], { encoding: "utf8" });
}

test("every file of test/bench/parts exports a title and a run function, and no two have the same word", async () => {
  const parts = findParts();
  assert.ok(parts.length >= 11);
  for (const { letter, load } of parts) {
    const { title, run } = await load();
    assert.ok(title.length > 0, `part ${letter} has no title`);
    assert.equal(typeof run, "function", `part ${letter} has no run function`);
  }
  assert.equal(new Set(parts.map(({ word }) => word)).size, parts.length);
});

test("a part of the bench is named by its letter and by its word", () => {
  const wordsOf = (name: string) =>
    findParts()
      .filter((part) => isNamed(part, name))
      .map(({ word }) => word);
  assert.deepEqual(wordsOf("k"), ["lazy-socket"]);
  assert.deepEqual(wordsOf("lazy-socket"), ["lazy-socket"]);
  assert.deepEqual(wordsOf("lazy"), []);
});

test("npm run bench -- --only rejects a name that no part has, and lists the parts", () => {
  const { status, stdout, stderr } = bench("--only", "tpc");
  assert.equal(status, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /--only must be the letter or the word of a part, got "tpc": a \(stub\), b \(tcp\), /);
});

test("npm run bench -- --only runs the named part alone, and prints its contenders and its aim", () => {
  const { status, stdout, stderr } = bench("--quick", "--only", "crowd");
  assert.equal(status, 0, stderr);
  assert.deepEqual(stdout.match(/^[a-z]\. .*/gm), ["e. 2,000 concurrent TCP connects over loopback"]);
  assert.match(stdout, /^ {2}net\.connect +[\d.]+ \/ms$/m);
  assert.match(stdout, /^ {2}tcp\(\) +[\d.]+ \/ms +[\d.]+ \([\d.]+–[\d.]+\) +aim at least 0\.95: (met|missed)$/m);
});
