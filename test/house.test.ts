import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";

/** One `import`, `export … from`, `import()` or `require()` in a source file. */
interface Import {
  /** The importing file, relative to `src/`. */
  readonly file: string;
  /** The imported file, relative to `src/`, or package. */
  readonly to: string;
  readonly isPackage: boolean;
  /** Whether it imports only types, which are erased. */
  readonly typesOnly: boolean;
}

const files = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .sort();
const imports: readonly Import[] = files.flatMap(importsOf);

/**
 * The rooms, each with the rooms that it imports. A room may import only rooms above it in this list, so that there are
 * no cycles.
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
  "lazy-socket": ["support", "async", "core", "engine"],
  clients: ["support", "core", "engine", "dialers", "lazy-socket"],
  testing: ["support", "async", "core", "engine"],
  telemetry: ["support", "core", "engine", "client", "pool"],
  inspector: ["support", "async", "core", "engine", "record", "client", "pool"],
  bridge: ["support", "async", "core", "engine", "dialers"],
  process: ["support", "async", "core", "engine", "dialers"],
  web: ["support", "async", "core", "engine", "dialers", "lazy-socket", "clients"],
  nats: ["support", "async", "core", "engine", "client", "dialers", "middleware"],
  cli: [...["support", "async", "core", "engine", "record", "dialers", "middleware", "retry", "telemetry", "nats"]],
  instrumentation: ["support", "core", "telemetry", "process"],
  register: ["support", "core", "telemetry", "inspector", "middleware", "process"],
};

/** The entries of the package, and the rooms that each exports from. */
const entries: Readonly<Record<string, readonly string[]>> = {
  "index.ts": [
    "async",
    "core",
    "engine",
    "record",
    "dialers",
    "middleware",
    "retry",
    "failover",
    "pool",
    "lazy-socket",
  ],
  "nats.ts": ["client", "nats"],
  "nats-v2.ts": ["client", "nats"],
  "nats-ws.ts": ["nats"],
  "otel.ts": ["telemetry"],
  "inspector.ts": ["inspector"],
  "prometheus.ts": ["telemetry"],
  "breaker.ts": ["breaker"],
  "bridge.ts": ["bridge"],
  "http.ts": ["web"],
  "undici.ts": ["web"],
  "clients.ts": ["clients"],
  "process.ts": ["process"],
  "register.ts": ["register"],
  "instrumentation.ts": ["instrumentation"],
  "testing.ts": ["testing"],
};

const allowed: Readonly<Record<string, readonly string[]>> = { ...rooms, ...entries };

/** Packages, each with the only room that may import it. */
const packages: Readonly<Record<string, string>> = {
  "@nats-io/nats-core": "nats",
  "@nats-io/transport-node": "nats",
  nats: "nats",
  "@opentelemetry/api": "telemetry",
  "@opentelemetry/instrumentation": "instrumentation",
  cockatiel: "breaker",
  "prom-client": "telemetry",
  undici: "web",
  ws: "nats",
};

/** The packages that each entry loads at run time; its types may import others. */
const loads: Readonly<Record<string, readonly string[]>> = {
  "index.ts": [],
  "nats.ts": ["@nats-io/transport-node"],
  "nats-v2.ts": ["nats"],
  "nats-ws.ts": ["ws"],
  "otel.ts": ["@opentelemetry/api"],
  "prometheus.ts": ["prom-client"],
  "breaker.ts": ["cockatiel"],
  "bridge.ts": [],
  "http.ts": [],
  "undici.ts": ["undici"],
  "clients.ts": [],
  "process.ts": [],
  "register.ts": [],
  "instrumentation.ts": ["@opentelemetry/api", "@opentelemetry/instrumentation"],
  "testing.ts": [],
};

/** Base dialers that are built over other base dialers. */
const baseOver: Record<string, readonly string[]> = {
  "tls.ts": ["tcp.ts"],
  "http-proxy.ts": ["tcp.ts", "tls.ts"],
  "socks-proxy.ts": ["tcp.ts"],
  "proxy-from-environment.ts": ["http-proxy.ts", "socks-proxy.ts", "tcp.ts"],
};

/** The imports between rooms. */
const arrows = imports
  .filter(({ isPackage }) => !isPackage)
  .map(({ file, to }) => ({ file, from: roomOf(file), to: roomOf(to) }))
  .filter(({ from, to }) => from !== to);

const picture = draw();
/** The message of a failure: the violations and the picture of the rooms. */
const shown = (wrong: readonly string[]) => `${wrong.join("\n")}\n\nThe rooms and their imports:\n\n${picture}\n`;
const none = (wrong: readonly string[]) => assert.ok(wrong.length === 0, shown(wrong));

test("every room and every entry of src is listed in this test", () => {
  const found = [...new Set(files.map(roomOf))].sort();
  assert.deepEqual(found, Object.keys(allowed).sort(), shown([]));
});

test("no room may import a room of a higher layer", () => {
  const floors = Object.keys(rooms);
  none(
    floors.flatMap((room, floor) =>
      (rooms[room] ?? [])
        .filter((other) => floors.indexOf(other) >= floor)
        .map((other) => `${room} may not import ${other}, which is not a lower layer`),
    ),
  );
});

test("every import between rooms is permitted", () => {
  none(
    arrows
      .filter(({ from, to }) => !allowed[from]?.includes(to))
      .map(({ from, to, file }) => `${file} imports from ${to}, but ${from} may not import ${to}`),
  );
});

test("every permitted import between rooms is used", () => {
  none(
    Object.entries(allowed).flatMap(([from, others]) =>
      others
        .filter((to) => !arrows.some((arrow) => arrow.from === from && arrow.to === to))
        .map((to) => `${from} may import ${to}, but does not`),
    ),
  );
});

test("a source file of more than 300 lines gives the reason in a comment at its top", () => {
  none(
    files
      .map((file) => ({ file, text: readFileSync(join("src", file), "utf8") }))
      .filter(({ text }) => text.split("\n").length > 301 && !/^\/\*\*.*\blong\b.*?\*\//s.test(text.slice(0, 600)))
      .map(({ file }) => `${file} has more than 300 lines and no comment at its top with the reason`),
  );
});

test("every file name in a room's README exists in src", () => {
  const names = new Set(files.map((file) => file.slice(file.lastIndexOf("/") + 1)));
  none(
    [...Object.keys(rooms)]
      .map((room) => `src/${room}/README.md`)
      .filter((readme) => existsSync(readme))
      .flatMap((readme) =>
        [...readFileSync(readme, "utf8").matchAll(/`(?:[\w-]+\/)*([\w-]+\.ts)`/g)]
          .map(([, name = ""]) => name)
          .filter((name) => !names.has(name))
          .map((name) => `${readme} names ${name}, which does not exist`),
      ),
  );
});

test("every file of the rooms dialers, middleware and testing is in its README", () => {
  none(
    files
      .filter((file) => ["dialers", "middleware", "testing"].includes(roomOf(file)) && file.includes("/"))
      .filter(
        (file) => !readFileSync(`src/${roomOf(file)}/README.md`, "utf8").includes(file.slice(file.indexOf("/") + 1)),
      )
      .map((file) => `src/${roomOf(file)}/README.md does not name ${file}`),
  );
});

test("every imported file exists", () => {
  none(
    imports.filter(({ to, isPackage }) => !isPackage && !files.includes(to)).map(({ file, to }) => `${file}: ${to}?`),
  );
});

test("every package is imported in only one room", () => {
  none(
    imports
      .filter(({ to, isPackage, file }) => isPackage && packages[to] !== roomOf(file))
      .map(
        ({ file, to }) =>
          `${file} imports ${to}, which ${packages[to] ? `only ${packages[to]} may import` : "is not listed"}`,
      ),
  );
});

test("an entry loads only its own packages", () => {
  assert.deepEqual(Object.fromEntries(Object.keys(loads).map((entry) => [entry, loadedBy(entry)])), loads, shown([]));
});

test("entries only export from rooms", () => {
  none(
    files
      .filter((file) => !file.includes("/"))
      .filter(
        (file) =>
          readFileSync(join("src", file), "utf8")
            .replace(/^export [^;]* from "[^"]+";$/gm, "")
            .trim() !== "",
      )
      .map((file) => `${file} has statements other than exports from rooms`),
  );
});

test("each adapter for a client is a file of at most 60 lines", () => {
  const adapters = imports.filter(({ file, typesOnly }) => file === "clients.ts" && !typesOnly).map(({ to }) => to);
  assert.ok(adapters.includes("clients/pg-client.ts"));
  none(adapters.filter((file) => readFileSync(join("src", file), "utf8").trimEnd().split("\n").length > 60));
});

test("decorators do not import each other", () => {
  none(
    imports
      .filter(({ file, to }) => roomOf(file) === "middleware" && roomOf(to) === "middleware")
      .map(({ file, to }) => `${file} imports ${to}`),
  );
});

test("base dialers import only the base dialers that they are built over", () => {
  const entry = readFileSync("src/index.ts", "utf8");
  // A file that is exported only for its types, such as a helper's options, is not a dialer.
  const isDialer = (file: string) =>
    entry.split("\n").some((line) => !line.startsWith("export type") && line.includes(`"./${file}"`));
  none(
    imports
      .filter(({ file, to }) => roomOf(file) === "dialers" && roomOf(to) === "dialers" && isDialer(to))
      .filter(({ file, to }) => !baseOver[file.slice("dialers/".length)]?.includes(to.slice("dialers/".length)))
      .map(({ file, to }) => `${file} imports ${to}`),
  );
});

test("errors are detected with isError, which also detects errors of another realm", () => {
  none(
    files
      .filter((file) => file !== "support/is-error.ts")
      .filter((file) => /\binstanceof (?:Aggregate|Type|Range)?Error\b/.test(readFileSync(join("src", file), "utf8")))
      .map((file) => `${file}: use isError or isAggregateError of support/is-error.ts instead of instanceof`),
  );
});

test("there are no import cycles", () => {
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

test("the package has no dependencies, and all peer dependencies are optional", () => {
  const {
    dependencies = {},
    peerDependencies,
    peerDependenciesMeta,
  } = JSON.parse(readFileSync("package.json", "utf8"));
  assert.deepEqual(dependencies, {});
  for (const name of Object.keys(peerDependencies)) {
    assert.equal(peerDependenciesMeta[name]?.optional, true, `${name} must be optional`);
    assert.ok(packages[name], `${name} is a peer dependency, but no room may import it`);
  }
});

test("the architecture picture in CONTRIBUTING.md matches the imports", () => {
  const [, section] = readFileSync("CONTRIBUTING.md", "utf8").split(/^## Architecture$/m);
  assert.ok(section !== undefined, "CONTRIBUTING.md has no section '## Architecture'");
  const drawn = /^```\w*\n(.*?)^```$/ms.exec(section)?.[1];
  assert.equal(drawn?.trimEnd(), picture, `CONTRIBUTING.md, 'Architecture', must start with:\n\n${picture}\n`);
});

test("the import parser finds every kind of import and ignores comments", () => {
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
