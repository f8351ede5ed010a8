import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

/** A file with `text` that goes with the tests. */
export function temporaryFile(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "dialtrace-nats-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "file");
  writeFileSync(file, text);
  return file;
}

/** Arguments of a nats-server that reads `config`. */
export function configured(config: string): string[] {
  return ["-c", temporaryFile(config)];
}
