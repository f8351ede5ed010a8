import { readFileSync } from "node:fs";
import { dialEventNames } from "../../src/core/trace.ts";

/** Generates the table of hooks for the documents from the table of events, its doc comments and its info types. */
export function eventTable(): string {
  const source = readFileSync("src/core/trace.ts", "utf8");
  const infos = ["phase-events", "connection-events"].map((name) => readFileSync(`src/core/${name}.ts`, "utf8"));
  const fieldsOf = fieldsOfInfos([...infos, source].join("\n"));
  const rows = dialEventNames.map((name) => {
    const row = new RegExp(`/\\*\\* (.*?) \\*/\\n {2}${name}: event<(\\w+)>`).exec(source);
    const [, doc = "", info = ""] = row ?? [];
    const called = doc.replace(/^Called /, "").replace(/\{@link [\w.]*?(\w+)\}/g, "`$1`");
    return `| \`${name}\` | ${called.replace(/\.$/, "")} | ${(fieldsOf.get(info) ?? []).join(", ")} |`;
  });
  return ["| hook | called | fields |", "| --- | --- | --- |", ...rows, ""].join("\n");
}

/** The fields of each info type; those of `Ended` as one word. */
function fieldsOfInfos(source: string): Map<string, string[]> {
  const fieldsOf = new Map<string, string[]>();
  for (const [, name = "", bases = "", body = ""] of source.matchAll(
    /interface (\w+)(?: extends ([\w, ]+))? \{(\}|.*?^\})/gms,
  )) {
    const own = [...body.matchAll(/^ {2}readonly (\w+)/gm)].map(([, field = ""]) => `\`${field}\``);
    const inherited = bases
      .split(", ")
      .flatMap((base) => (base === "Ended" ? ["*ended*"] : (fieldsOf.get(base) ?? [])));
    fieldsOf.set(name, [...inherited, ...own]);
  }
  return fieldsOf;
}
