import assert from "node:assert/strict";
import { resolve } from "node:path";
import { before, test } from "node:test";
import { type Consumer, unpackedConsumer } from "../support/consumer.ts";
import { compilerErrors, typescriptProgram } from "../support/typescript-program.ts";

const compiler = resolve("node_modules/typescript/bin/tsc");

let consumer: Consumer;

before(async () => {
  consumer = await unpackedConsumer();
});

test("this repository's TypeScript compiles a program that uses the package from both module systems", async () => {
  consumer.write(typescriptProgram);
  assert.deepEqual(await compilerErrors(consumer, compiler, "nodenext"), []);
});

test("the test of declarations fails for a program with a deliberate error", async () => {
  const code = 'import { tcp } from "dialtrace";\ntcp({ noSuchOption: true });\n';
  consumer.write({ "main.mts": code, "common.cts": code });
  const errors = await compilerErrors(consumer, compiler, "nodenext");
  assert.deepEqual(
    errors.map((line) => line.slice(0, line.indexOf(":"))),
    ["common.cts(2,7)", "main.mts(2,7)"],
  );
});
