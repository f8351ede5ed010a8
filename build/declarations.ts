import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";

/** Writes the declaration files of all sources into `dist/types`, where they describe CommonJS modules. */
export async function emitDeclarations(): Promise<void> {
  mkdirSync("dist/types", { recursive: true });
  writeFileSync("dist/types/package.json", `${JSON.stringify({ type: "commonjs" })}\n`);
  const tsc = spawn(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], {
    stdio: "inherit",
  });
  const [code] = await once(tsc, "exit");
  if (code !== 0) throw new Error(`tsc -p tsconfig.build.json exited with ${code}`);
}
