import assert from "node:assert/strict";
import { before, test } from "node:test";
import { type Consumer, unpackedConsumer } from "../support/consumer.ts";
import { commonJs, esm } from "../support/consumer-programs.ts";
import { lazySocketOutput, lazySocketProgram } from "../support/lazy-socket-program.ts";
import { denoFlags, runtimeCommand } from "../support/runtimes.ts";

let consumer: Consumer;

before(async () => {
  consumer = await unpackedConsumer();
  consumer.write({ ...esm, ...commonJs, "lazy-socket.mjs": lazySocketProgram });
});

const args = { bun: [], deno: ["run", ...denoFlags] };

for (const name of ["bun", "deno"] as const) {
  test(`${name} runs a program that uses every entry, with import and with require`, async (t) => {
    const found = await runtimeCommand(name);
    if ("missing" in found) return t.skip(found.missing);
    for (const program of ["main.mjs", "main.cjs"]) {
      const { stdout } = await consumer.run(found.command, [...args[name], program]);
      assert.match(stdout, /all checks passed/);
    }
  });

  test(`${name} forwards the bytes of a lazy socket, and behaves as Node does`, async (t) => {
    const found = await runtimeCommand(name);
    if ("missing" in found) return t.skip(found.missing);
    const { stdout } = await consumer.run(found.command, [...args[name], "lazy-socket.mjs"]);
    assert.deepEqual(JSON.parse(stdout), { mode: "forwarded", ...lazySocketOutput });
  });
}
