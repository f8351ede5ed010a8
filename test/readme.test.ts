import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parse } from "yaml";
import { instruments } from "../src/telemetry/instruments.ts";
import { prometheusName } from "../src/telemetry/prometheus-name.ts";
import { eventTable } from "./support/event-table.ts";
import { type NatsWebsocketServer, startNatsWebsocket } from "./support/nats-websocket.ts";
import { type ReadmeServers, startReadmeServers } from "./support/readme-servers.ts";
import { isNodeAtLeast } from "./support/tools.ts";

/** The documents whose snippets are compiled and run. */
const documents = [
  "README.md",
  "CONTRIBUTING.md",
  ...["src", "examples", "test/bench"].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith("README.md"))
      .map((name) => join(folder, name))
      .sort(),
  ),
];
const textOf = new Map(documents.map((document) => [document, readFileSync(document, "utf8")]));

// Inside the package, so that `import "dialtrace"` means this one.
const folder = `test/.readme/${process.pid}`;
const snippets = [...textOf].flatMap(([document, text]) =>
  [...text.matchAll(/```ts\n(.*?)```(?:\n\n```text printed\n(.*?)```)?/gs)].map((match) => {
    const line = text.slice(0, match.index).split("\n").length;
    return {
      document,
      line,
      name: `${document.replaceAll("/", "-").replace(/\.md$/, "")}-${line}`,
      code: match[1] ?? "",
      /** The output that the document shows right after the snippet. */
      printed: match[2] ?? "",
    };
  }),
);

let compiled: ReturnType<typeof compileSnippets>;
let servers: ReadmeServers;
let nats: NatsWebsocketServer;

before(async () => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  compiled = compileSnippets();
  servers = await startReadmeServers();
  nats = await startNatsWebsocket();
});

after(async () => {
  rmSync(folder, { recursive: true, force: true });
  await servers?.[Symbol.asyncDispose]();
  await nats?.[Symbol.asyncDispose]();
});

test("the documents have at least 20 snippets", () => assert.ok(snippets.length >= 20));

test("every snippet in the documents compiles", () => assert.equal(compiled.status, 0, compiled.stdout));

describe("the snippets", { concurrency: 2 }, () => {
  for (const { document, name, line, printed } of snippets) {
    test(`the snippet at ${document}:${line} runs as printed`, async () => {
      const names = { ...servers.ports, a: nats.port, b: nats.port };
      const child = spawn(process.execPath, ["--import", "./test/support/readme-names.js", `${folder}/${name}.js`], {
        env: { ...process.env, README_NAMES: JSON.stringify({ ...names, "gateway.internal": nats.wsPort }) },
        stdio: ["ignore", "pipe", "pipe"],
      });
      let stdout = "";
      let stderr = "";
      child.stdout.setEncoding("utf8").on("data", (data) => {
        stdout += data;
      });
      child.stderr.on("data", (data) => {
        stderr += data;
      });
      const timer = setTimeout(() => child.kill("SIGKILL"), 120_000);
      const [code] = await once(child, "close");
      clearTimeout(timer);
      assert.equal(code, 0, stderr);
      assert.ok(stdout.includes(printed), `the snippet printed\n${stdout}`);
    });
  }
});

test("every relative link in the documents leads to an existing file and heading", () => {
  const broken = [...textOf].flatMap(([document, text]) =>
    [...text.matchAll(/\]\((?!https?:)([^)\s]+)\)|(?:src|srcset)="(?!https?:)([^"]+)"/g)]
      .map(([, link, source]) => link ?? source ?? "")
      .filter((link) => !leads(document, link))
      .map((link) => `${document}: ${link}`),
  );
  assert.deepEqual(broken, []);
});

test("the root README has at most 250 lines", () => {
  assert.ok((textOf.get("README.md") ?? "").split("\n").length <= 251);
});

test("every folder of src has a README", () => {
  const rooms = readdirSync("src", { withFileTypes: true }).filter((each) => each.isDirectory());
  assert.deepEqual(
    rooms.map(({ name }) => `src/${name}/README.md`).filter((path) => !existsSync(path)),
    [],
  );
});

test("the table of metrics in the telemetry README matches the instruments", () => {
  const rows = Object.values(instruments).map((instrument) => {
    const labels = Object.keys(instrument.labels).map((label) => `\`${label.replaceAll(".", "_")}\``);
    return `| \`${prometheusName(instrument)}\` | ${instrument.kind} | ${labels.join(", ") || "–"} | ${instrument.help} |`;
  });
  const expected = ["| metric | type | labels | what it counts |", "| --- | --- | --- | --- |", ...rows, ""].join("\n");
  assert.equal(heldTable("src/telemetry/README.md", "metrics"), expected);
});

test("the table of hooks in the core README matches the table of events", () => {
  assert.equal(heldTable("src/core/README.md", "events"), eventTable());
});

test("the recipes' alerts are those of the dashboards", () => {
  const recipe = /```yaml\n(.*?)```/s.exec(textOf.get("examples/README.md") ?? "")?.[1] ?? "";
  const known = alertsOf(readFileSync("dashboards/alerts.yaml", "utf8"));
  const named = alertsOf(recipe);
  assert.equal(named.length, 3);
  for (const alert of named) assert.ok(known.includes(alert), `${alert} is not in dashboards/alerts.yaml`);
});

test("this Node is at least the minimum version that the README names", () => {
  assert.match(textOf.get("README.md") ?? "", /Node 20\.19/);
  assert.ok(isNodeAtLeast([20, 19]));
});

/** Checks the snippets and compiles them to JavaScript, which starts in a fraction of the time of TypeScript. */
function compileSnippets() {
  for (const { name, code } of snippets) writeFileSync(`${folder}/${name}.ts`, code);
  const compilerOptions = { noEmit: false, rewriteRelativeImportExtensions: true };
  const config = { extends: "../../../tsconfig.json", compilerOptions, include: ["*.ts"] };
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify(config));
  return spawnSync("npx", ["tsc", "-p", folder], { encoding: "utf8" });
}

/** Each alert of a rules file as text: its name, its expression on one line, and how long it must hold. */
function alertsOf(text: string): readonly string[] {
  const { groups } = parse(text) as { groups: { rules: { alert: string; expr: string; for?: string }[] }[] };
  return groups.flatMap(({ rules }) =>
    rules.map((rule) => `${rule.alert}: ${rule.expr.trim().replace(/\s+/g, " ")} for ${rule.for ?? "0s"}`),
  );
}

/** The table between the comments `<!-- name: held by a test -->` and `<!-- /name -->`. */
function heldTable(document: string, name: string): string | undefined {
  const text = textOf.get(document) ?? "";
  return new RegExp(`<!-- ${name}: held by a test -->\n(.*?)<!-- /${name} -->`, "s").exec(text)?.[1];
}

function leads(document: string, link: string): boolean {
  const [path = "", anchor] = link.split("#");
  const file = path === "" ? document : join(dirname(document), path);
  if (!existsSync(file)) return false;
  return anchor === undefined || headingsOf(file).includes(anchor);
}

/** The anchors of a document's headings, as GitHub makes them. */
function headingsOf(file: string): string[] {
  const text = readFileSync(file, "utf8").replace(/^```.*?^```/gms, "");
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(" ", "-"),
  );
}
