import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folders = new Set<string>();

/** Creates a temporary folder, removed when the process exits. */
export function temporaryFolder(): string {
  if (folders.size === 0) process.once("exit", () => folders.forEach(removeFolder));
  const folder = mkdtempSync(join(tmpdir(), "dialtrace-"));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Creates a temporary file with `content`, readable by its owner only and removed when the process exits. */
export function temporaryFile(name: string, content: string | Uint8Array): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}
