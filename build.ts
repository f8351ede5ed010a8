/**
 * Builds the package into `dist`.
 *
 *   npm run build
 *
 * | folder | holds | is loaded by |
 * | --- | --- | --- |
 * | `dist/*.js`, `dist/*.cjs` | a facade of each entry | `import` and `require` |
 * | `dist/cjs` | the implementation | both facades |
 * | `dist/esm` | the same as ES modules | bundlers, by the condition `module` |
 * | `dist/types` | declarations, a file per source | both facades' declarations |
 * | `dist/cli.js`, `dist/cli` | the command, as one file and what it loads on demand | `npx dialtrace` |
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isAbsolute } from "node:path";
import { type OutputChunk, type OutputOptions, rolldown } from "rolldown";

/** One public entry of the package: `dialtrace/otel` is `{ name: "otel", source: "src/otel.ts" }`. */
interface Entry {
  readonly name: string;
  readonly source: string;
}

const { exports, version } = JSON.parse(readFileSync("package.json", "utf8"));

/** Reads the entries from `exports` of package.json: each has its source file of the same name in `src`. */
function readEntries(): Entry[] {
  return Object.keys(exports)
    .filter((subpath) => subpath !== "./package.json")
    .map((subpath) => (subpath === "." ? "index" : subpath.slice("./".length)))
    .map((name) => ({ name, source: `src/${name}.ts` }));
}

/** The oldest Node.js that `engines` of package.json admits. */
const target = "node20.19";

const transform = { target, define: { DIALTRACE_VERSION: JSON.stringify(version) } };

const external = (id: string) => !id.startsWith(".") && !isAbsolute(id);

const formats: Readonly<Record<"commonjs" | "esm", OutputOptions>> = {
  commonjs: {
    dir: "dist/cjs",
    format: "cjs",
    entryFileNames: "[name].cjs",
    chunkFileNames: "shared/[name].cjs",
    // The rooms beneath all others, in one chunk: without a group, each set of entries that share a file has a chunk.
    codeSplitting: {
      groups: [{ name: "engine", test: /[\\/]src[\\/](?:support|async|core|engine)[\\/]/, minShareCount: 2 }],
    },
  },
  // A file per source: a bundler drops each that a program does not use, with what runs when it is loaded.
  esm: {
    dir: "dist/esm",
    format: "esm",
    entryFileNames: "[name].js",
    preserveModules: true,
    preserveModulesRoot: "src",
  },
};

/** The package carries `src`, to which the source maps point. */
const sourceMaps = { sourcemap: true, sourcemapExcludeSources: true };

/**
 * Bundles each entry into one file, and what entries share into chunks, once as CommonJS and once as ES modules.
 *
 * @returns the names that each entry exports when it runs, by the entry's name.
 */
async function bundle(entries: readonly Entry[]): Promise<Map<string, readonly string[]>> {
  const input = Object.fromEntries(entries.map(({ name, source }) => [name, source]));
  const build = await rolldown({ input, external, platform: "node", transform });
  try {
    await build.write({ ...formats.esm, ...sourceMaps });
    const { output } = await build.write({ ...formats.commonjs, ...sourceMaps });
    const chunks = output.filter((file): file is OutputChunk => file.type === "chunk" && file.isEntry);
    return new Map(chunks.map(({ name, exports }) => [name, exports.toSorted()]));
  } finally {
    await build.close();
  }
}

/** Bundles the command apart from the entries, so that it starts fast and their chunks do not depend on it. */
async function bundleCommand(): Promise<void> {
  const build = await rolldown({ input: { cli: "src/cli/bin.ts" }, external, platform: "node", transform });
  try {
    const names = { entryFileNames: "[name].js", chunkFileNames: "cli/[name].js" };
    await build.write({ dir: "dist", format: "esm", ...names, ...sourceMaps });
    chmodSync("dist/cli.js", 0o755);
  } finally {
    await build.close();
  }
}

/** Writes the declaration files of all sources into `dist/types`, where they describe CommonJS modules. */
async function emitDeclarations(): Promise<void> {
  mkdirSync("dist/types", { recursive: true });
  writeFileSync("dist/types/package.json", `${JSON.stringify({ type: "commonjs" })}\n`);
  const tsc = spawn(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], {
    stdio: "inherit",
  });
  const [code] = await once(tsc, "exit");
  if (code !== 0) throw new Error(`tsc -p tsconfig.build.json exited with ${code}`);
}

/**
 * Writes what `import` and `require` of an entry load. Both get the same modules, those of `dist/cjs`: a process that
 * uses both has one `DialError`, one registry of layers, one of everything.
 *
 * The CommonJS facade stands between because Node.js searches each CommonJS file that an ES module imports for the
 * names it exports. It finds them here in a few lines, and not in the whole bundle.
 */
function writeFacades(name: string, exports: readonly string[]): void {
  const write = (extension: string, lines: readonly string[]) =>
    writeFileSync(`dist/${name}.${extension}`, `${lines.join("\n")}\n`);

  write("cjs", [
    `"use strict";`,
    `const bundle = require("./cjs/${name}.cjs");`,
    ...exports.map((each) => `exports.${each} = bundle.${each};`),
  ]);
  write("js", [`import bundle from "./${name}.cjs";`, `export const { ${exports.join(", ")} } = bundle;`]);
  for (const extension of ["d.ts", "d.cts"]) write(extension, [`export * from "./types/${name}.js";`]);
}

rmSync("dist", { recursive: true, force: true });
const [exportsOf] = await Promise.all([bundle(readEntries()), bundleCommand(), emitDeclarations()]);
for (const [name, exports] of exportsOf) writeFacades(name, exports);
