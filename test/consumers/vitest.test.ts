import assert from "node:assert/strict";
import { test } from "node:test";
import { installedConsumer, skipLong } from "../support/consumer.ts";
import { argument, esm, imports } from "../support/consumer-programs.ts";
import { isNodeAtLeast } from "../support/tools.ts";

test("vitest runs a program that uses the package, loaded by Node.js or by vite", { skip: skipLong }, async () => {
  const consumer = await installedConsumer({ vitest: isNodeAtLeast([22, 12]) ? "5.1.2" : "4.1.12" });
  consumer.write({
    "check.mjs": esm["check.mjs"] ?? "",
    "every-entry.test.mjs": `import { test } from "vitest";\n${imports()}\nimport { check } from "./check.mjs";
test("every entry", () => check(${argument}));\n`,
  });
  for (const deps of [{}, { inline: ["dialtrace"] }]) {
    const config = { test: { testTimeout: 60_000, server: { deps } } };
    consumer.write({ "vitest.config.mjs": `export default ${JSON.stringify(config)};\n` });
    const { stdout } = await consumer.run("npx", ["vitest", "run"]);
    assert.match(stdout, /Tests +1 passed/);
  }
});
