import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "./temporary.ts";

const file = join(temporaryFolder(), "program.ts");
const loader = new URL("typescript.js", import.meta.url).href;

function outputOf(code: string) {
  writeFileSync(file, code);
  return spawnSync(process.execPath, ["--import", loader, file], { encoding: "utf8" });
}

test("the test run's loader runs TypeScript with using, and runs a file again after a change", () => {
  const program = (word: string) => `
interface Named { readonly name: string }
using held = { name: "${word}", [Symbol.dispose]() { console.log("disposed"); } } satisfies Named & Disposable;
console.log(held.name as string);
export {};
`;
  for (const word of ["first", "second", "second"]) {
    const { stdout, stderr } = outputOf(program(word));
    assert.equal(stdout, `${word}\ndisposed\n`, stderr);
  }
});

test("the test run's loader names the line of the TypeScript file in a stack trace", () => {
  for (const run of ["transformed", "cached"]) {
    const { stderr } = outputOf("interface Removed {\n  readonly a: 1;\n}\n\nthrow new Error('on line 5');\n");
    assert.match(stderr, /Error: on line 5\n {4}at .*program\.ts:5:7/, run);
  }
});

test("the test run's loader rejects a file that is not TypeScript", () => {
  const { status, stderr } = outputOf("const a: = 1;\n");
  assert.equal(status, 1);
  assert.match(stderr, /program\.ts:1:9: ERROR/);
});
