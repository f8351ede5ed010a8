import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";

/** One `import`, `export … from`, `import()` or `require()`. */
interface Import {
  /** The file it stands in, from `src/`. */
  readonly file: string;
  /** What it names: a file, from `src/`, or a package. */
  readonly to: string;
  readonly isPackage: boolean;
  /** Whether nothing of it is left when the code runs. */
  readonly typesOnly: boolean;
}

const files = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .sort();
const imports: readonly Import[] = files.flatMap(importsOf);

/**
 * The rooms from the ground floor up, and what each imports. A room may import only rooms that come before it,
 * so that there is no arrow upwards.
 */
const rooms: Readonly<Record<string, readonly string[]>> = {
  support: [],
  async: ["support"],
  core: ["support", "async"],
  engine: ["support", "async", "core"],
  record: ["support", "async", "core", "engine"],
  client: ["support", "core"],
  dialers: ["support", "async", "core", "engine"],
  middleware: ["support", "async", "core", "engine", "record"],
  retry: ["support", "async", "core", "engine"],
  failover: ["support", "async", "core", "engine"],
  breaker: ["support", "async", "core", "engine"],
  pool: ["support", "async", "core", "engine"],
  testing: ["support", "async", "core", "engine"],
  telemetry: ["support", "core", "engine", "client", "pool"],
  inspector: ["support", "async", "core", "engine", "record", "client"],
  nats: ["support", "async", "core", "engine", "client", "dialers", "middleware"],
};

/** The entries of the package, and the rooms that each exports from. */
const entries: Readonly<Record<string, readonly string[]>> = {
  "index.ts": ["async", "core", "engine", "record", "dialers", "middleware", "retry", "failover", "pool"],
  "nats.ts": ["client", "nats"],
  "nats-v2.ts": ["client", "nats"],
  "nats-ws.ts": ["nats"],
  "otel.ts": ["telemetry"],
  "inspector.ts": ["inspector"],
  "prometheus.ts": ["telemetry"],
  "breaker.ts": ["breaker"],
  "testing.ts": ["testing"],
};

const allowed: Readonly<Record<string, readonly string[]>> = { ...rooms, ...entries };

/** Packages, each in its one room. */
const packages: Readonly<Record<string, string>> = {
  "@nats-io/nats-core": "nats",
  "@nats-io/transport-node": "nats",
  nats: "nats",
  "@opentelemetry/api": "telemetry",
  cockatiel: "breaker",
  "prom-client": "telemetry",
  ws: "nats",
};

/** What each entry loads when it is imported; its types may name others. */
const loads: Readonly<Record<string, readonly string[]>> = {
  "index.ts": [],
  "nats.ts": ["@nats-io/transport-node"],
  "nats-v2.ts": ["nats"],
  "nats-ws.ts": ["ws"],
  "otel.ts": ["@opentelemetry/api"],
  "prometheus.ts": ["prom-client"],
  "breaker.ts": ["cockatiel"],
  "testing.ts": [],
};

/** Base dialers that are built over another: `{ "tls.ts": ["tcp.ts"] }`. */
const baseOver: Record<string, readonly string[]> = {
  "tls.ts": ["tcp.ts"],
  "http-proxy.ts": ["tcp.ts", "tls.ts"],
  "socks-proxy.ts": ["tcp.ts"],
  "proxy-from-environment.ts": ["http-proxy.ts", "socks-proxy.ts", "tcp.ts"],
};

/** The imports that leave their room. */
const arrows = imports
  .filter(({ isPackage }) => !isPackage)
  .map(({ file, to }) => ({ file, from: roomOf(file), to: roomOf(to) }))
  .filter(({ from, to }) => from !== to);

const picture = draw();
/** What is said when the house is not as it should be. */
const shown = (wrong: readonly string[]) => `${wrong.join("\n")}\n\nThe house as it stands:\n\n${picture}\n`;
const none = (wrong: readonly string[]) => assert.ok(wrong.length === 0, shown(wrong));

test("every room and every entry is known and exists", () => {
  const found = [...new Set(files.map(roomOf))].sort();
  assert.deepEqual(found, Object.keys(allowed).sort(), shown([]));
});

test("every room imports only rooms on the floors beneath it", () => {
  const floors = Object.keys(rooms);
  none(
    floors.flatMap((room, floor) =>
      (rooms[room] ?? [])
        .filter((other) => floors.indexOf(other) >= floor)
        .map((other) => `${room} may not import ${other}: it is not beneath`),
    ),
  );
});

test("every import goes where it may", () => {
  none(
    arrows
      .filter(({ from, to }) => !allowed[from]?.includes(to))
      .map(({ from, to, file }) => `${file} imports from ${to}, but ${from} may not import ${to}`),
  );
});

test("every permitted import is used", () => {
  none(
    Object.entries(allowed).flatMap(([from, others]) =>
      others
        .filter((to) => !arrows.some((arrow) => arrow.from === from && arrow.to === to))
        .map((to) => `${from} may import ${to}, but does not`),
    ),
  );
});

test("a file of more than 300 lines says why at its top", () => {
  none(
    files
      .map((file) => ({ file, text: readFileSync(join("src", file), "utf8") }))
      .filter(({ text }) => text.split("\n").length > 301 && !/^\/\*\*.*\blong\b.*?\*\//s.test(text.slice(0, 600)))
      .map(({ file }) => `${file} has more than 300 lines and no comment at its top that says why it is long`),
  );
});

test("every file that is imported is there", () => {
  none(
    imports.filter(({ to, isPackage }) => !isPackage && !files.includes(to)).map(({ file, to }) => `${file}: ${to}?`),
  );
});

test("core names no package, and every package is named in its one room", () => {
  none(
    imports
      .filter(({ to, isPackage, file }) => isPackage && packages[to] !== roomOf(file))
      .map(
        ({ file, to }) => `${file} names ${to}, which ${packages[to] ? `belongs in ${packages[to]}` : "is unknown"}`,
      ),
  );
});

test("an entry loads the packages that it is for, and no other", () => {
  assert.deepEqual(Object.fromEntries(Object.keys(loads).map((entry) => [entry, loadedBy(entry)])), loads, shown([]));
});

test("entries only import: they hold nothing of their own", () => {
  none(
    files
      .filter((file) => !file.includes("/"))
      .filter(
        (file) =>
          readFileSync(join("src", file), "utf8")
            .replace(/^export [^;]* from "[^"]+";$/gm, "")
            .trim() !== "",
      )
      .map((file) => `${file} does more than export names from rooms`),
  );
});

test("decorators never import each other", () => {
  none(
    imports
      .filter(({ file, to }) => roomOf(file) === "middleware" && roomOf(to) === "middleware")
      .map(({ file, to }) => `${file} imports ${to}`),
  );
});

test("base dialers import no other, but the one that they are built over and helpers", () => {
  const entry = readFileSync("src/index.ts", "utf8");
  // What is exported for its types alone (a helper's options) makes no dialer.
  const isDialer = (file: string) =>
    entry.split("\n").some((line) => !line.startsWith("export type") && line.includes(`"./${file}"`));
  none(
    imports
      .filter(({ file, to }) => roomOf(file) === "dialers" && roomOf(to) === "dialers" && isDialer(to))
      .filter(({ file, to }) => !baseOver[file.slice("dialers/".length)]?.includes(to.slice("dialers/".length)))
      .map(({ file, to }) => `${file} imports ${to}`),
  );
});

test("errors are told by isError, which also knows those of another realm", () => {
  none(
    files
      .filter((file) => file !== "support/is-error.ts")
      .filter((file) => /\binstanceof (?:Aggregate|Type|Range)?Error\b/.test(readFileSync(join("src", file), "utf8")))
      .map((file) => `${file}: use isError or isAggregateError of support/is-error.ts instead of instanceof`),
  );
});

test("no file imports itself by way of others", () => {
  const next = new Map(
    files.map((file) => [file, imports.filter((each) => each.file === file && !each.isPackage).map(({ to }) => to)]),
  );
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, way: readonly string[]): void => {
    const index = way.indexOf(file);
    if (index >= 0) cycles.push([...way.slice(index), file].join(" -> "));
    if (index >= 0 || done.has(file)) return;
    for (const to of next.get(file) ?? []) visit(to, [...way, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  none(cycles);
});

test("the package depends on nothing; what it builds on are optional peers", () => {
  const {
    dependencies = {},
    peerDependencies,
    peerDependenciesMeta,
  } = JSON.parse(readFileSync("package.json", "utf8"));
  assert.deepEqual(dependencies, {});
  for (const name of Object.keys(peerDependencies)) {
    assert.equal(peerDependenciesMeta[name]?.optional, true, `${name} must be optional`);
    assert.ok(packages[name], `${name} is a peer, but belongs in no room`);
  }
});

test("the architecture picture in CONTRIBUTING.md is computed from the imports", () => {
  const [, section] = readFileSync("CONTRIBUTING.md", "utf8").split(/^## Architecture$/m);
  assert.ok(section !== undefined, "CONTRIBUTING.md has no section '## Architecture'");
  const drawn = /^```\w*\n(.*?)^```$/ms.exec(section)?.[1];
  assert.equal(drawn?.trimEnd(), picture, `CONTRIBUTING.md, 'Architecture', must begin with:\n\n${picture}\n`);
});

test("the reader of imports sees every kind of them, and no comment", () => {
  const text = `
import { a } from "./a.ts";
import type {
  B,
} from "../b.ts";
import "./c.ts";
export * from "./d.ts";
export { e, type E } from "./e.ts";
export type * from "./f.ts";
const g = await import("g");
const h = require("@h/h/deep");
type I = import("./i.ts").I;
/**
 * import { no } from "no";
 */
// import { no } from "no";
const sentence = "not from anywhere";
`;
  const found = specifiersOf(text);
  const names = (typesOnly: boolean) => found.filter((each) => each.typesOnly === typesOnly).map(({ name }) => name);
  assert.deepEqual(names(true).sort(), ["../b.ts", "./f.ts"]);
  assert.deepEqual(names(false).sort(), ["./a.ts", "./c.ts", "./d.ts", "./e.ts", "./i.ts", "@h/h/deep", "g"]);
});

function loadedBy(entry: string): string[] {
  const reached = new Set([entry]);
  const named = new Set<string>();
  for (const file of reached) {
    for (const { to, isPackage } of imports.filter((each) => each.file === file && !each.typesOnly)) {
      (isPackage ? named : reached).add(to);
    }
  }
  return [...named].sort();
}

function draw(): string {
  const rows = [...Object.keys(entries), ...Object.keys(rooms).reverse()].map((from) => {
    const own = imports.filter(({ file }) => roomOf(file) === from);
    const rooms = new Set(own.filter(({ isPackage }) => !isPackage).map(({ to }) => roomOf(to)));
    const named = new Set(own.filter(({ isPackage }) => isPackage).map(({ to }) => to));
    const arrows = [...rooms].filter((room) => room !== from).sort();
    return { from, to: arrows.join(", ") || "nothing but node:", packages: [...named].sort().join(", ") };
  });
  const [left, middle] = (["from", "to"] as const).map((key) => Math.max(...rows.map((row) => row[key].length)));
  const lines = rows.map((row) =>
    `${row.from.padEnd(left ?? 0)}  ->  ${row.to.padEnd(middle ?? 0)}  ${row.packages && `(${row.packages})`}`.trimEnd(),
  );
  const doors = rows.filter(({ from }) => from.endsWith(".ts")).length;
  return [...lines.slice(0, doors), "", ...lines.slice(doors)].join("\n");
}

function roomOf(file: string): string {
  return file.split("/", 1)[0] ?? file;
}

function importsOf(file: string): Import[] {
  return specifiersOf(readFileSync(join("src", file), "utf8"))
    .filter(({ name }) => !name.startsWith("node:"))
    .map(({ name, typesOnly }) => {
      if (name.startsWith("."))
        return { file, to: relative("src", join("src", dirname(file), name)), isPackage: false, typesOnly };
      assert.ok(!builtinModules.includes(name), `${file} must import node:${name}`);
      return { file, to: name.split("/", name.startsWith("@") ? 2 : 1).join("/"), isPackage: true, typesOnly };
    });
}

function specifiersOf(source: string): { name: string; typesOnly: boolean }[] {
  const code = source.replace(/\/\*.*?\*\//gs, "").replace(/^\s*\/\/.*$/gm, "");
  const statements = /^(?:import|export)\s(?:[^;"]*?\sfrom\s+)?"([^"]+)"/gm;
  const calls = /\b(?:import|require)\(\s*"([^"]+)"/g;
  return [statements, calls].flatMap((pattern) =>
    [...code.matchAll(pattern)].map(([text, name = ""]) => ({ name, typesOnly: /^(?:im|ex)port type\s/.test(text) })),
  );
}
