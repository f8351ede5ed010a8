import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { instruments } from "../src/telemetry/instruments.ts";
import { prometheusName } from "../src/telemetry/prometheus-instruments.ts";
import { type NatsWebsocketServer, startNatsWebsocket } from "./support/nats-websocket.ts";
import { isNodeAtLeast } from "./support/tools.ts";

// Inside the package, so that `import "dialtrace"` means this one.
const folder = `test/.readme/${process.pid}`;
const readme = readFileSync("README.md", "utf8");
const snippets = [...readme.matchAll(/```ts\n(.*?)```/gs)].map((match, index) => ({
  file: `${folder}/snippet-${index + 1}.ts`,
  line: readme.slice(0, match.index).split("\n").length,
  code: match[1] ?? "",
}));

const database = createServer((socket) => {
  socket.on("error", () => {});
  socket.resume();
});
let nats: NatsWebsocketServer;

before(async () => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const { file, code } of snippets) writeFileSync(file, code);
  database.listen(0, "127.0.0.1");
  await once(database, "listening");
  nats = await startNatsWebsocket();
});

after(async () => {
  rmSync(folder, { recursive: true, force: true });
  database.close();
  await nats?.[Symbol.asyncDispose]();
});

test("the README has snippets", () => assert.ok(snippets.length >= 5));

test("every snippet compiles", () => {
  const config = { extends: "../../../tsconfig.json", include: ["*.ts"] };
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify(config));
  const { status, stdout } = spawnSync("npx", ["tsc", "-p", folder], { encoding: "utf8" });
  assert.equal(status, 0, stdout);
});

for (const { file, line } of snippets) {
  test(`the snippet at line ${line} runs as printed`, async () => {
    const { port } = database.address() as { port: number };
    const names = { "db.internal": port, a: nats.port, b: nats.port, "gateway.internal": nats.wsPort };
    const child = spawn(process.execPath, ["--import", "tsx", "--import", "./test/support/readme-names.ts", file], {
      env: { ...process.env, README_NAMES: JSON.stringify(names) },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let stderr = "";
    child.stderr.on("data", (data) => {
      stderr += data;
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
    const [code] = await once(child, "exit");
    clearTimeout(timer);
    assert.equal(code, 0, stderr);
  });
}

test("the README's table of metrics is the instruments' own", () => {
  const rows = Object.values(instruments).map((instrument) => {
    const labels = Object.keys(instrument.labels).map((label) => `\`${label.replaceAll(".", "_")}\``);
    return `| \`${prometheusName(instrument)}\` | ${instrument.kind} | ${labels.join(", ") || "–"} | ${instrument.help} |`;
  });
  const table = /<!-- metrics: held by a test -->\n(.*?)<!-- \/metrics -->/s.exec(readme)?.[1] ?? "";
  const expected = ["| metric | type | labels | what it counts |", "| --- | --- | --- | --- |", ...rows, ""].join("\n");
  assert.equal(table, expected);
});

test("this is a Node that the README promises", () => {
  assert.match(readme, /Node 20\.19 and newer/);
  assert.ok(isNodeAtLeast([20, 19]));
});
