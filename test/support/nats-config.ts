import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

/** Arguments of a nats-server that reads `config`, from a file that goes with the tests. */
export function configured(config: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), "dialtrace-nats-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "nats.conf");
  writeFileSync(file, config);
  return ["-c", file];
}
