import assert from "node:assert/strict";
import { test } from "node:test";
import { installedConsumer, skipLong } from "../support/consumer.ts";
import { commonJs, esm } from "../support/consumer-programs.ts";
import { lazySocketOutput, lazySocketProgram } from "../support/lazy-socket-program.ts";

/** The npm packages that contain the binaries; the packages `bun` and `deno` select one of them in an install script. */
const binaries = {
  bun: ["@oven/bun-linux-x64", "1.4.5", "bin/bun"],
  deno: ["@deno/linux-x64-glibc", "2.9.6", "deno"],
} as const;

const elsewhere = process.platform !== "linux" || process.arch !== "x64";

test("Bun and Deno run programs that use the package", {
  skip: skipLong || (elsewhere && "needs Linux on x64"),
}, async (t) => {
  const tools = Object.fromEntries(Object.values(binaries).map(([name, version]) => [name, version]));
  const consumer = await installedConsumer(tools);
  consumer.write({ ...esm, ...commonJs, "lazy-socket.mjs": lazySocketProgram });
  const commands = { bun: [], deno: ["run", "--allow-all", "--no-remote", "--cached-only"] };
  for (const runtime of ["bun", "deno"] as const) {
    const [name, , file] = binaries[runtime];
    for (const program of ["main.mjs", "main.cjs"]) {
      await t.test(`${runtime} ${program}`, async () => {
        const { stdout } = await consumer.run(`node_modules/${name}/${file}`, [...commands[runtime], program]);
        assert.match(stdout, /all checks passed/);
      });
    }
    await t.test(`${runtime} forwards the bytes of a lazy socket, and behaves as Node does`, async () => {
      const args = [...commands[runtime], "lazy-socket.mjs"];
      const { stdout } = await consumer.run(`node_modules/${name}/${file}`, args);
      assert.deepEqual(JSON.parse(stdout), { mode: "forwarded", ...lazySocketOutput });
    });
  }
});
