import { type OutputChunk, type OutputOptions, rolldown } from "rolldown";
import type { Entry } from "./entries.ts";

/** The oldest Node.js that `engines` of package.json admits. */
const target = "node20.19";

const formats: Readonly<Record<"commonjs" | "esm", OutputOptions>> = {
  commonjs: { dir: "dist/cjs", format: "cjs", entryFileNames: "[name].cjs", chunkFileNames: "shared/[name].cjs" },
  esm: { dir: "dist/esm", format: "esm", entryFileNames: "[name].js", chunkFileNames: "shared/[name].js" },
};

/** The package carries `src`, to which the source maps point. */
const sourceMaps = { sourcemap: true, sourcemapExcludeSources: true };

/**
 * Bundles each entry into one file, and what entries share into chunks, once as CommonJS and once as ES modules.
 *
 * @returns the names that each entry exports when it runs, by the entry's name.
 */
export async function bundle(entries: readonly Entry[]): Promise<Map<string, readonly string[]>> {
  const input = Object.fromEntries(entries.map(({ name, source }) => [name, source]));
  const external = (id: string) => !id.startsWith(".") && !id.startsWith("/");
  const build = await rolldown({ input, external, platform: "node", transform: { target } });
  try {
    await build.write({ ...formats.esm, ...sourceMaps });
    const { output } = await build.write({ ...formats.commonjs, ...sourceMaps });
    const chunks = output.filter((file): file is OutputChunk => file.type === "chunk" && file.isEntry);
    return new Map(chunks.map(({ name, exports }) => [name, exports.toSorted()]));
  } finally {
    await build.close();
  }
}
