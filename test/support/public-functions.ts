import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { dialEventNames } from "../../src/core/trace.ts";

/** Entry files of the package, except those for NATS. */
const entries = ["index", "breaker", "bridge", "inspector", "otel", "prometheus", "testing"];

interface Exports {
  readonly file: string;
  /** Undefined for all. */
  readonly names: readonly string[] | undefined;
}

/**
 * Finds in the sources each member of a public interface that is a function, such as `RetryOptions.backoff`,
 * and each public type that is a function, such as `Observer`.
 */
export function publicFunctions(): readonly string[] {
  const exported = entries.flatMap((entry) => exportsOf(join("src", `${entry}.ts`)));
  const sources = new Map(sourceFiles().map((file) => [file, withoutComments(readFileSync(file, "utf8"))]));
  const aliases = functionTypes([...sources.values()].flatMap(typesIn));
  return exported
    .flatMap(({ file, names }) => {
      const source = sources.get(file) ?? "";
      const isExported = (name: string) => names === undefined || names.includes(name);
      const members = interfacesIn(source)
        .filter(([name]) => isExported(name))
        .flatMap(([name, body]) => functionMembers(body, aliases).map((member) => `${name}.${member}`));
      const types = typesIn(source).map(([name]) => name);
      const hooks =
        isExported("DialTrace") && file.endsWith("trace.ts") ? dialEventNames.map((name) => `DialTrace.${name}`) : [];
      return [...hooks, ...members, ...types.filter((name) => isExported(name) && aliases.has(name))];
    })
    .sort();
}

function exportsOf(entry: string): Exports[] {
  const source = readFileSync(entry, "utf8");
  return [...source.matchAll(/export (?:type )?(\*|\{[^}]*\}) from "([^"]+)"/g)].map(([, what = "", from = ""]) => ({
    file: join(dirname(entry), from),
    names:
      what === "*"
        ? undefined
        : what
            .slice(1, -1)
            .split(",")
            .map((name) =>
              name
                .trim()
                .replace(/^type /, "")
                .replace(/ as .*/, ""),
            )
            .filter((name) => name !== ""),
  }));
}

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}

/** Name and text of each type. */
function typesIn(source: string): [name: string, text: string][] {
  return [...source.matchAll(/export type (\w+)([\s\S]*?);\n/g)].map(([, name = "", text = ""]) => [name, text]);
}

/** Types that are or may be a function. Their parts are searched until no more types are found. */
function functionTypes(types: readonly [name: string, text: string][]): ReadonlySet<string> {
  const found = new Set<string>();
  for (let before = -1; before < found.size; ) {
    before = found.size;
    for (const [name, text] of types) if (mentionsFunction(text, found)) found.add(name);
  }
  return found;
}

function mentionsFunction(text: string, aliases: ReadonlySet<string>): boolean {
  // A type of Node's that is a function.
  if (text.includes("=>") || text.includes('["checkServerIdentity"]')) return true;
  return (text.match(/\w+/g) ?? []).some((word) => aliases.has(word));
}

function sourceFiles(): string[] {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" });
  return files.filter((file) => file.endsWith(".ts")).map((file) => join("src", file));
}

/** Name and body of each interface. */
function interfacesIn(source: string): [name: string, body: string][] {
  return [...source.matchAll(/export interface (\w+)[^{]*\{\n([\s\S]*?)\n\}/g)].map(([, name = "", body = ""]) => [
    name,
    body,
  ]);
}

function functionMembers(body: string, aliases: ReadonlySet<string>): string[] {
  const members = body.split(/;\n/).map((each) => each.trim());
  return members.flatMap((member) => {
    const [, name, rest = ""] = /^(?:readonly )?(\[?[\w.]+\]?)\??([(:][\s\S]*)$/.exec(member) ?? [];
    if (name === undefined) return [];
    return rest.startsWith("(") || mentionsFunction(rest, aliases) ? [name] : [];
  });
}
