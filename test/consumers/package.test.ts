import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { before, test } from "node:test";
import { type Consumer, pack, unpackedConsumer } from "../support/consumer.ts";

let consumer: Consumer;
let packed: string;
let files: readonly string[];

before(async () => {
  consumer = await unpackedConsumer();
  packed = join(consumer.folder, "node_modules/dialtrace");
  files = readdirSync(packed, { recursive: true, encoding: "utf8", withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(packed, join(entry.parentPath, entry.name)));
});

const read = (file: string) => readFileSync(join(packed, file), "utf8");

test("npm packs the package without a warning", async () => {
  const { said } = await pack();
  assert.doesNotMatch(said, /\bwarn/i);
});

test("installing the package runs no script", () => {
  const { scripts } = JSON.parse(read("package.json"));
  for (const name of ["preinstall", "install", "postinstall", "prepare"]) assert.equal(scripts[name], undefined, name);
  assert.equal(typeof scripts.prepack, "string");
});

test("the package contains its changelog, its dashboards and the README of every room", () => {
  const { stdout } = spawnSync("git", ["ls-files", "-co", "--exclude-standard", "src", "test/bench", "dashboards"], {
    encoding: "utf8",
  });
  const readmes = stdout.split("\n").filter((file) => file.endsWith("README.md"));
  assert.ok(readmes.includes("dashboards/README.md"));
  const grafana = readdirSync("dashboards/grafana").map((name) => `dashboards/grafana/${name}`);
  const wanted = ["README.md", "CHANGELOG.md", "LICENSE", "dashboards/alerts.yaml", "dashboards/rules.yaml"];
  for (const file of [...wanted, ...grafana, ...readmes]) assert.ok(files.includes(file), `${file} must be packed`);
});

test("links between the packed READMEs lead to packed files", () => {
  const links = files
    .filter((file) => file.endsWith(".md"))
    .flatMap((file) => [...read(file).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, link = ""]) => ({ file, link })))
    .filter(({ link }) => !/^[a-z]+:/.test(link))
    .map(({ file, link }) => ({ file, to: normalize(join(dirname(file), decodeURI(link))) }))
    // Programs that are run in a clone of the repository.
    .filter(({ to }) => !to.startsWith("examples/"));
  assert.ok(links.length > 0);
  for (const { file, to } of links) assert.ok(existsSync(join(packed, to)), `${file} links to ${to}`);
});

test("source maps lead to packed sources", () => {
  const maps = files.filter((file) => file.endsWith(".map"));
  assert.ok(maps.some((file) => file.endsWith(".cjs.map")) && maps.some((file) => file.endsWith(".d.ts.map")));
  for (const map of maps) {
    const sources: string[] = JSON.parse(read(map)).sources;
    assert.ok(sources.length > 0, map);
    for (const source of sources) {
      assert.ok(existsSync(join(packed, dirname(map), source)), `${map} leads to ${source}`);
    }
  }
});

test("declarations omit members that are marked as internal", () => {
  const declarations = files.filter((file) => /\.d\.c?ts$/.test(file));
  const marked = readdirSync("src", { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".ts") && readFileSync(join("src", file), "utf8").includes("@internal"),
  );
  assert.ok(declarations.length > 0 && marked.length > 0);
  for (const file of declarations) assert.doesNotMatch(read(file), /@internal/, file);
});

test("declarations do not import cockatiel, because a CommonJS declaration cannot import the types of its version 4, an ES module", () => {
  const declarations = files.filter((file) => file.startsWith("dist/types/breaker/"));
  assert.ok(declarations.length > 0);
  for (const file of declarations) assert.doesNotMatch(read(file), /\bfrom "cockatiel"|import\("cockatiel"\)/, file);
});

test("importing the root loads few files", async () => {
  consumer.write({
    "hooks.mjs": `
import { writeSync } from "node:fs";
export async function load(url, context, nextLoad) {
  if (url.includes("/dialtrace/")) writeSync(1, url + "\\n");
  return nextLoad(url, context);
}
`,
    "count.mjs": `
import { createRequire, register } from "node:module";
import { pathToFileURL } from "node:url";
register("./hooks.mjs", import.meta.url);
await import("dialtrace");
for (const path of Object.keys(createRequire(import.meta.url).cache)) console.log(pathToFileURL(path).href);
`,
  });
  const { stdout } = await consumer.run(process.execPath, ["count.mjs"]);
  const loaded = new Set(stdout.split("\n").filter((url) => url.includes("/dialtrace/")));
  assert.ok(loaded.size >= 2 && loaded.size <= 20, `${loaded.size} files:\n${[...loaded].join("\n")}`);
});
