/**
 * Holds what the README of the command says: its record, its exit codes and its fields of JSON.
 *
 * `DIALTRACE_RECORD=1 node --import tsx --test test/cli/readme.test.ts` writes the record and the exit codes anew.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { before, test } from "node:test";
import { exitCodes } from "../../src/cli/exit-codes.ts";
import { type Authority, authority, inDays } from "../support/certificates.ts";
import { jsonLines, runCli } from "../support/cli.ts";
import { infoLine } from "../support/nats-peer.ts";
import { startNats } from "../support/nats-server.ts";
import { freePort, goodPeer, peer } from "../support/peers.ts";
import { recordingPeer } from "../support/recording-peer.ts";
import { startTinyproxy } from "../support/servers.ts";
import { temporaryFile } from "../support/temporary.ts";
import { tlsPeer } from "../support/tls-peers.ts";

const readme = "src/cli/README.md";
const writes = process.env.DIALTRACE_RECORD === "1";
let ca: Authority;
let caFile: string;

before(() => {
  ca = authority("Internal CA");
  caFile = temporaryFile("ca.pem", ca.cert);
});

/** The text between the comments `<!-- name: held by a test -->` and `<!-- /name -->`. */
function held(name: string): string {
  const text = readFileSync(readme, "utf8");
  return new RegExp(`<!-- ${name}: held by a test -->\n(.*?)<!-- /${name} -->`, "s").exec(text)?.[1] ?? "";
}

function write(name: string, content: string): void {
  const text = readFileSync(readme, "utf8");
  const part = new RegExp(`(<!-- ${name}: held by a test -->\n).*?(<!-- /${name} -->)`, "s");
  writeFileSync(
    readme,
    text.replace(part, (_, head, end) => `${head}${content}${end}`),
  );
}

/** Leaves out what differs from run to run: figures, bars, and where lines end. */
function normalized(text: string): string {
  return text
    .replace(/^ *≤.*$/gm, "")
    .replace(/[\d.]+ m?s\b/g, "# ms")
    .replace(/[─█▌▐·▏]+/g, "")
    .replace(/\d{4}-\d\d-\d\d/g, "DATE")
    .replace(/\d\d:\d\d:\d\d/g, "TIME")
    .replace(/in \d+ days?/g, "in # days")
    .replace(/\s+/g, " ")
    .trim();
}

test("the output in the README is what the command prints today, except for the figures", async () => {
  const issued = ca.issue({ name: "api.internal", until: inDays(75.5) });
  const server = createServer(issued, (_request, response) => response.writeHead(200, { server: "api/2" }).end());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const args = ["--user", "worker", "--pass", "other"];
  await using a = await startNats(args);
  await using b = await startNats(args);
  await using db = await goodPeer();
  const ports = {
    "api.internal": (server.address() as AddressInfo).port,
    "db.internal": db.port,
    a: a.port,
    b: b.port,
    c: await freePort(),
  };
  const env = { README_NAMES: JSON.stringify(ports), COLUMNS: "80" };
  const preload = [resolve("test/support/readme-names.js")];
  const commands = [...held("record").matchAll(/^\$ npx dialtrace (.*)$/gm)].map(([, command = ""]) => command);
  assert.equal(commands.length, 3);
  const printed: string[] = [];
  for (const command of commands) {
    const { stdout, stderr } = await runCli(command.replace("ca.pem", caFile).split(" "), { env, preload });
    assert.equal(stderr, "");
    printed.push(`\`\`\`console\n$ npx dialtrace ${command}\n${stdout.trimEnd()}\n\`\`\`\n`);
  }
  server.close();
  if (writes) write("record", printed.join("\n"));
  assert.equal(normalized(held("record")), normalized(printed.join("\n")));
  for (const line of held("record").split("\n")) assert.ok(line.startsWith("$") || line.length <= 80, line);
});

test("the exit codes in the README are those of the command", () => {
  const rows = Object.entries(exitCodes).map(([code, text]) => `| ${code} | ${text} |\n`);
  const table = `| code | meaning |\n| --- | --- |\n${rows.join("")}`;
  if (writes) write("exit codes", table);
  assert.equal(held("exit codes"), table);
});

/** The fields of an object with their types, such as `tls.chain[].subject` and `string`. */
function fieldsOf(value: unknown, path = ""): readonly (readonly [string, string])[] {
  if (Array.isArray(value)) return value.flatMap((each) => fieldsOf(each, `${path}[]`));
  if (typeof value !== "object" || value === null) return [[path, typeof value]];
  return Object.entries(value).flatMap(([name, each]) => {
    const key = path === "reasons" ? "*" : name;
    return fieldsOf(each, path === "" ? key : `${path}.${key}`);
  });
}

test("every field that --json prints is in the README with its type, and every field in the README is printed", async () => {
  await using http = await peer((socket) =>
    socket.once("data", () => socket.end("HTTP/1.1 302 Found\r\nserver: a\r\nlocation: /b\r\n\r\n")),
  );
  await using nats = await recordingPeer(() => ({ cluster: "c", connect_urls: ["d:1"], auth_required: true }));
  await using secure = await tlsPeer({ ...ca.issue({ name: "db.test" }), ALPNProtocols: ["h2"] });
  await using banner = await peer((socket) => socket.write("220 hello\r\n"));
  await using proxy = await startTinyproxy();
  const down = `127.0.0.1:${await freePort()}`;
  const names = { "db.test": ["127.0.0.1", "::1"], "nowhere.test": [] };
  const runs = [
    [`http://${http.address}`, `nats://token@${nats.address}`, banner.address, "nowhere.test:1"],
    ["--explain", "--ca", caFile, "--alpn", "h2", `tls://db.test:${secure.port}`],
    ["--proxy", `http://${proxy.address}`, "--wait", "0", banner.address],
    ["--proxy", `http://${down}`, banner.address],
    ["-c", "2", "-i", "0", `nats://${nats.address}`, down],
  ];
  const results = await Promise.all(runs.map((args) => runCli(["--json", ...args], { names })));
  const printed = new Map(results.flatMap(({ stdout }) => jsonLines(stdout).flatMap((object) => fieldsOf(object))));
  const rows = [...held("json").matchAll(/^\| (`.*?`) \| (\w+) \|/gm)];
  const documented = new Map(
    rows.flatMap(([, fields = "", type = ""]) =>
      [...fields.matchAll(/`([^`]+)`/g)].map(([, field = ""]) => [field, type]),
    ),
  );
  assert.deepEqual(Object.fromEntries([...printed].sort()), Object.fromEntries([...documented].sort()));
});

test("INFO without optional fields leaves them out of the JSON", async () => {
  await using server = await peer((socket) => {
    socket.write(infoLine({ server_name: undefined }));
    socket.on("data", () => socket.write("PONG\r\n"));
  });
  const [dial] = jsonLines((await runCli(["--json", `nats://${server.address}`])).stdout);
  assert.deepEqual(Object.keys(dial.nats), ["version", "tlsRequired", "authRequired", "lameDuck", "servers", "rttMs"]);
});
