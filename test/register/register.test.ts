import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { freePort, goodPeer } from "../support/peers.ts";
import { temporaryFile } from "../support/temporary.ts";

/** Runs a program with the flags of Node and the variables. Rejects if it fails. */
async function runApp(
  source: string,
  env: NodeJS.ProcessEnv = {},
  flags = ["--import", "./dist/register.js"],
  extension = "mjs",
) {
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...inherited } = process.env;
  const file = temporaryFile(`app.${extension}`, source);
  const run = promisify(execFile)(process.execPath, [...flags, file], {
    env: { ...inherited, ...env },
    timeout: 100_000,
  });
  return run;
}

/** A program that connects to `port` and prints the samples of its own metrics server. */
const scraped = (port: number, metrics: number) => `
  const { connect } = process.getBuiltinModule("node:net");
  const socket = connect(${port}, "127.0.0.1", async () => {
    socket.destroy();
    const response = await fetch("http://127.0.0.1:${metrics}/metrics", { headers: { connection: "close" } });
    const text = await response.text();
    console.log(/^dialer_connection_established_total.* \\d+$/m.exec(text)?.[0]);
  });
`;

const established = /^dialer_connection_established_total\{dialer_name="app"\} [12]\n$/;

describe("dialtrace/register", () => {
  for (const [how, flags, extension] of [
    ["--import in an ES module", ["--import", "./dist/register.js"], "mjs"],
    ["--require in a CommonJS module", ["--require", "./dist/register.cjs"], "cjs"],
    ["both flags at once", ["--import", "./dist/register.js", "--require", "./dist/register.cjs"], "mjs"],
  ] as const) {
    it(`${how} serves the metrics of the connections of an unchanged program`, async () => {
      await using server = await goodPeer();
      const port = await freePort();
      const env = { DIALTRACE_METRICS: String(port), DIALTRACE_NAMES: "*=app" };
      const { stdout, stderr } = await runApp(scraped(server.port, port), env, [...flags], extension);
      assert.match(stdout, established);
      assert.match(stderr, new RegExp(`^dialtrace: metrics of process \\d+ at http://127.0.0.1:${port}/metrics\n$`));
    });
  }

  it("each bad value prints one line to standard error, and the program continues", async () => {
    const env = { DIALTRACE_METRICS: "none", DIALTRACE_PAGE: "99999", DIALTRACE_LOG: "loud" };
    const { stdout, stderr } = await runApp(`console.log("done");`, env);
    assert.equal(stdout, "done\n");
    assert.deepEqual(
      stderr.split("\n").map((line) => line.split(" must")[0]),
      ["dialtrace: DIALTRACE_METRICS", "dialtrace: DIALTRACE_PAGE", "dialtrace: DIALTRACE_LOG", ""],
    );
  });

  it("DIALTRACE=off leaves the process as it is, whatever the other variables say", async () => {
    const program = `
      const { Socket } = process.getBuiltinModule("node:net");
      console.log(Socket.prototype.connect.name === "connect");
    `;
    const env = { DIALTRACE_METRICS: "0", DIALTRACE_PAGE: "0", DIALTRACE_LOG: "1" };
    const off = await runApp(program, { ...env, DIALTRACE: "off" });
    assert.deepEqual([off.stdout, off.stderr], ["false\n", ""]);
    assert.equal((await runApp(program, env)).stdout, "true\n");
  });

  it("without prom-client a line says what to install, and logging continues", async () => {
    await using server = await goodPeer();
    const absent = temporaryFile(
      "absent.cjs",
      `const { Module } = require("node:module");
       const { _resolveFilename } = Module;
       Module._resolveFilename = function (request, ...rest) {
         if (request !== "prom-client") return _resolveFilename.call(this, request, ...rest);
         throw Object.assign(new Error("absent"), { code: "MODULE_NOT_FOUND" });
       };`,
    );
    const program = `const socket = require("node:net").connect(${server.port}, "127.0.0.1", () => socket.destroy());`;
    const flags = ["--require", absent, "--require", "./dist/register.cjs"];
    const env = { DIALTRACE_METRICS: "0", DIALTRACE_LOG: "1" };
    const { stderr } = await runApp(program, env, flags, "cjs");
    const [first, second] = stderr.split("\n");
    assert.equal(first, "dialtrace: DIALTRACE_METRICS needs prom-client; install it with npm install prom-client");
    assert.equal(second, `connecting to 127.0.0.1:${server.port}`);
  });

  it("a child process that inherits NODE_OPTIONS says that the port is taken, and continues", async () => {
    const port = await freePort();
    const program = `
      import { execFileSync } from "node:child_process";
      import { setTimeout as sleep } from "node:timers/promises";
      while (!(await fetch("http://127.0.0.1:${port}/metrics").catch(() => {}))) await sleep(10);
      process.stdout.write(execFileSync(process.execPath, ["-e", "setTimeout(() => console.log('child'), 200)"]));
    `;
    const env = {
      NODE_OPTIONS: `--import ${new URL("../../dist/register.js", import.meta.url)}`,
      DIALTRACE_METRICS: String(port),
    };
    const { stdout, stderr } = await runApp(program, env, []);
    assert.equal(stdout, "child\n");
    const taken = `DIALTRACE_METRICS: no metrics of process \\d+ at 127.0.0.1:${port}: the port is taken`;
    assert.match(stderr, new RegExp(taken));
  });

  it("a worker thread takes no port, and its connections are logged", async () => {
    await using server = await goodPeer();
    const connects = `
      import { connect } from "node:net";
      const socket = connect(${server.port}, "127.0.0.1", () => socket.destroy());
    `;
    const program = `
      import { Worker } from "node:worker_threads";
      new Worker(${JSON.stringify(temporaryFile("worker.mjs", connects))});
    `;
    const { stderr } = await runApp(program, { DIALTRACE_METRICS: "0", DIALTRACE_LOG: "1" });
    assert.match(stderr, new RegExp(`connected to 127.0.0.1:${server.port}`));
    assert.equal(stderr.match(/dialtrace: metrics of process/g)?.length, 1);
  });

  it("a worker of a cluster says that it serves nothing, and continues", async () => {
    const program = `
      import cluster from "node:cluster";
      if (cluster.isPrimary) cluster.fork();
      else { console.log("worker"); process.disconnect(); }
    `;
    const { stdout, stderr } = await runApp(program, { DIALTRACE_METRICS: "0" });
    assert.equal(stdout, "worker\n");
    assert.match(stderr, /dialtrace: worker \d+ of a cluster serves neither metrics nor page/);
  });

  const otel = () =>
    temporaryFile(
      "otel.mjs",
      `import { createRequire } from "node:module";
       const require = createRequire(${JSON.stringify(`${process.cwd()}/package.json`)});
       const { NodeTracerProvider } = require("@opentelemetry/sdk-trace-node");
       const { SimpleSpanProcessor, ConsoleSpanExporter } = require("@opentelemetry/sdk-trace-base");
       const exporter = { export(spans, done) { for (const { name } of spans) console.log(name); done({ code: 0 }); }, async shutdown() {} };
       new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();`,
    );

  for (const order of ["before", "after"] as const) {
    it(`spans are created when register is loaded ${order} OpenTelemetry's own import`, async () => {
      await using server = await goodPeer();
      const imports = ["./dist/register.js", otel()];
      if (order === "after") imports.reverse();
      const program = `
        import { connect } from "node:net";
        const socket = connect(${server.port}, "127.0.0.1", () => setImmediate(() => socket.destroy()));
      `;
      const { stdout } = await runApp(
        program,
        {},
        imports.flatMap((each) => ["--import", each]),
      );
      assert.equal(stdout, "connect\nattempt\ndial\n");
    });
  }

  it("a package manager that starts the application does not take its port", async () => {
    const file = temporaryFile("npm-cli.js", `console.log("started");`);
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const flags = ["--import", "./dist/register.js", file];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, flags, {
      env: { ...env, DIALTRACE_METRICS: "0", DIALTRACE_PAGE: "0" },
    });
    assert.deepEqual([stdout, stderr], ["started\n", ""]);
  });
});
