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
 */
import { rmSync } from "node:fs";
import { bundle } from "./bundle.ts";
import { emitDeclarations } from "./declarations.ts";
import { readEntries } from "./entries.ts";
import { writeFacades } from "./facades.ts";

rmSync("dist", { recursive: true, force: true });
const [exportsOf] = await Promise.all([bundle(readEntries()), emitDeclarations()]);
for (const [name, exports] of exportsOf) writeFacades(name, exports);
