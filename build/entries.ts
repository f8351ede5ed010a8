import { readFileSync } from "node:fs";

/** One public entry of the package: `dialtrace/otel` is `{ name: "otel", source: "src/otel.ts" }`. */
export interface Entry {
  readonly name: string;
  readonly source: string;
}

/** Reads the entries from `exports` of package.json: each has its source file of the same name in `src`. */
export function readEntries(): Entry[] {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
  return Object.keys(exports)
    .filter((subpath) => subpath !== "./package.json")
    .map((subpath) => (subpath === "." ? "index" : subpath.slice("./".length)))
    .map((name) => ({ name, source: `src/${name}.ts` }));
}
