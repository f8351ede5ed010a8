import assert from "node:assert/strict";
import { test } from "node:test";
import { run } from "../support/consumer.ts";
import { denoFlags, runtimeCommand } from "../support/runtimes.ts";

const chaos = "test/engine/chaos.test.ts";
/** Each runtime runs the tests of node:test in its own way, and prints how many passed. */
const ways = {
  bun: { args: ["test", "--timeout", "100000", `./${chaos}`], passed: /^ 1 pass\n 0 fail$/m },
  deno: { args: ["test", ...denoFlags, "--node-modules-dir=manual", chaos], passed: /\| 1 passed \| 0 failed/ },
} as const;

for (const name of ["bun", "deno"] as const) {
  test(`on ${name} the servers, prom-client, OpenTelemetry and the page count the same of 1,040 faulty dials`, async (t) => {
    const found = await runtimeCommand(name);
    if ("missing" in found) return t.skip(found.missing);
    const { stdout, stderr } = await run(process.cwd(), found.command, ways[name].args);
    assert.match(stdout + stderr, /1040 random dials/);
    assert.match(stdout + stderr, ways[name].passed);
  });
}
