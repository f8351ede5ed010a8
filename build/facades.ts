import { writeFileSync } from "node:fs";

/**
 * Writes what `import` and `require` of an entry load. Both get the same modules, those of `dist/cjs`: a process that
 * uses both has one `DialError`, one registry of layers, one of everything.
 *
 * The CommonJS facade stands between because Node.js searches each CommonJS file that an ES module imports for the
 * names it exports. It finds them here in a few lines, and not in the whole bundle.
 */
export function writeFacades(name: string, exports: readonly string[]): void {
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
