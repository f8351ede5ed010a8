/**
 * Module hooks that load TypeScript through a cache on disk, keyed by a file's text. esbuild is loaded only when a file
 * has changed.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const { node } = process.versions;
const folder = new URL(`../../node_modules/.cache/dialtrace-tests/${node}/`, import.meta.url);

export async function load(url, context, nextLoad) {
  if (!/^file:.*\.ts(?:[?#].*)?$/.test(url)) return nextLoad(url, context);
  const path = fileURLToPath(url);
  const text = readFileSync(path, "utf8");
  const key = createHash("sha256").update(`${path}\n${text}`).digest("hex");
  return { format: "module", source: cached(key) ?? (await transformed(key, path, text)), shortCircuit: true };
}

function cached(key) {
  try {
    return readFileSync(new URL(key, folder), "utf8");
  } catch {
    return undefined;
  }
}

async function transformed(key, sourcefile, text) {
  const { transform } = await import("esbuild");
  const { code } = await transform(text, {
    ...{ loader: "ts", format: "esm", target: `node${node}`, sourcemap: "inline", sourcefile },
    tsconfigRaw: { compilerOptions: { target: "es2023", verbatimModuleSyntax: true } },
  });
  mkdirSync(folder, { recursive: true });
  // Renamed, so that another process never reads half of a file.
  const unfinished = new URL(`${key}.${process.pid}`, folder);
  writeFileSync(unfinished, code);
  renameSync(unfinished, new URL(key, folder));
  return code;
}
