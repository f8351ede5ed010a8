// @ts-check
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { relate } from "./rounds.js";

/**
 * Measures the time to import the package's root, each time in a new process, in alternating order. The first contender
 * loads the same sources file by file, like a package that is not bundled.
 *
 * @param {number} rounds
 */
export function measureImports(rounds) {
  const unbundled = compileUnbundled();
  try {
    const contenders = [
      { label: "the sources, unbundled", load: `import(${JSON.stringify(join(unbundled, "index.js"))})` },
      { label: "import", load: `import(${JSON.stringify(resolve("dist/index.js"))})` },
      { label: "require", load: `require(${JSON.stringify(resolve("dist/index.cjs"))})` },
    ];
    const slices = Array.from({ length: rounds }, (_, round) => {
      const order = [...contenders.entries()];
      if (round % 2 === 1) order.reverse();
      /** @type {number[]} */
      const values = [];
      for (const [index, { load }] of order) values[index] = nanosecondsOf(load);
      return values;
    });
    return relate(
      contenders.map(({ label }) => ({ label, name: "import" })),
      slices.map((slice) => [slice]),
    );
  } finally {
    rmSync(unbundled, { recursive: true, force: true });
  }
}

/** @param {string} load @returns {number} */
function nanosecondsOf(load) {
  const program = `(async () => {
    const startedAt = process.hrtime.bigint();
    await ${load};
    process.stdout.write(String(process.hrtime.bigint() - startedAt));
  })()`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--eval", program], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
}

/** Compiles each source file to a module, and returns their folder. */
function compileUnbundled() {
  const folder = mkdtempSync(join(tmpdir(), "dialtrace-"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  const options = ["--noEmit", "false", "--rewriteRelativeImportExtensions", "--outDir", folder];
  const args = ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json", "--emitDeclarationOnly", "false"];
  const { status, stdout } = spawnSync(process.execPath, [...args, ...options], { encoding: "utf8" });
  if (status !== 0) throw new Error(stdout);
  return folder;
}
