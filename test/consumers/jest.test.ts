import assert from "node:assert/strict";
import { test } from "node:test";
import { installedConsumer, skipLong } from "../support/consumer.ts";
import { argument, commonJs, imports, requires } from "../support/consumer-programs.ts";

test("jest runs programs that use the package with no settings of its own, and with ts-jest", {
  skip: skipLong,
}, async () => {
  const consumer = await installedConsumer({
    "@types/jest": "30.0.0",
    "@types/node": "20.19.43",
    "@types/ws": "8.18.2",
    jest: "30.5.2",
    "ts-jest": "29.4.15",
    typescript: "5.9.3",
  });
  const checkIt = `test("every entry", () => check(${argument}));\n`;
  consumer.write({
    "check.cjs": commonJs["check.cjs"] ?? "",
    "plain/every-entry.test.js": `${requires()}\nconst { check } = require("../check.cjs");\n${checkIt}`,
    "typed/jest.config.js": 'module.exports = { preset: "ts-jest" };\n',
    "typed/tsconfig.json": JSON.stringify({
      compilerOptions: { module: "node16", strict: true, esModuleInterop: true },
    }),
    "typed/every-entry.test.ts": `${imports()}\nconst { check } = require("../check.cjs");\n${checkIt}`,
  });
  for (const args of [
    ["--rootDir", "plain"],
    ["--config", "typed/jest.config.js"],
  ]) {
    const { stderr } = await consumer.run("npx", ["jest", "--ci", "--testTimeout=60000", ...args]);
    assert.match(stderr, /Tests: +1 passed, 1 total/);
  }
});
