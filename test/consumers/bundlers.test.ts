import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { installedConsumer, skipLong } from "../support/consumer.ts";
import { commonJs, esm } from "../support/consumer-programs.ts";

test("bundles of esbuild, rollup and webpack run", { skip: skipLong }, async (t) => {
  const consumer = await installedConsumer({
    "@rollup/plugin-commonjs": "29.0.3",
    "@rollup/plugin-node-resolve": "16.0.3",
    esbuild: "0.28.2",
    rollup: "4.68.8",
    webpack: "5.113.0",
  });
  const small =
    'import { parseTarget } from "dialtrace";\nconsole.log("all checks passed", String(parseTarget("a:1")));\n';
  consumer.write({ ...esm, ...commonJs, "small.mjs": small });
  const run = async (file: string) => {
    const { stdout, stderr } = await consumer.run(process.execPath, [file]);
    assert.match(stdout, /all checks passed/);
    assert.equal(stderr, "");
  };
  const sizeOf = (file: string) => readFileSync(join(consumer.folder, file)).length;
  const esbuild = (...args: readonly string[]) =>
    consumer.run(process.execPath, ["node_modules/esbuild/bin/esbuild", "--bundle", "--platform=node", ...args]);

  await t.test("esbuild bundles every entry as CommonJS, with import and with require", async () => {
    for (const input of [["main.mjs"], ["main.cjs"], ["main.mjs", "--minify"]]) {
      await esbuild(...input, "--format=cjs", "--outfile=esbuild.cjs");
      await run("esbuild.cjs");
    }
  });

  await t.test("esbuild bundles every entry as ES modules without a require of this package", async () => {
    // The peers are CommonJS, which esbuild cannot bundle into ES modules.
    const peers = ["nats", "@nats-io/*", "prom-client", "ws", "cockatiel", "@opentelemetry/*"];
    await esbuild("main.mjs", "--format=esm", "--outfile=esbuild.mjs", ...peers.map((name) => `--external:${name}`));
    await run("esbuild.mjs");
  });

  await t.test("esbuild removes code of the package that a program does not use", async () => {
    await esbuild("small.mjs", "--format=esm", "--outfile=small-bundle.mjs");
    await run("small-bundle.mjs");
    assert.ok(sizeOf("small-bundle.mjs") < 30_000, `${sizeOf("small-bundle.mjs")} bytes`);
  });

  await t.test("rollup bundles every entry", async () => {
    const plugins = ["node-resolve", "commonjs"].flatMap((name) => ["--plugin", name]);
    await consumer.run("npx", ["rollup", "main.mjs", ...plugins, "--format", "esm", "--file", "rollup.mjs"]);
    await run("rollup.mjs");
  });

  await t.test("webpack bundles every entry, with import and with require", async () => {
    consumer.write({
      "webpack.cjs": `
const [, , entry, output] = process.argv;
require("webpack")({ mode: "development", devtool: false, target: "node", entry, output: { path: __dirname, filename: output } }, (error, stats) => {
  if (error || stats.hasErrors()) throw error ?? new Error(stats.toString());
});
`,
    });
    for (const input of ["./main.mjs", "./main.cjs"]) {
      await consumer.run(process.execPath, ["webpack.cjs", input, "webpack-bundle.cjs"]);
      await run("webpack-bundle.cjs");
    }
  });
});
