import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder for what the example needs as files. It goes with the process, Ctrl-C included. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "dialtrace-example-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  endOnSignals();
  return folder;
}

/** Exit codes by the shells' custom: 128 and the signal's number. */
const exitCodes = [
  ["SIGHUP", 129],
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const;
let ends = false;

/** By itself a signal ends a process without an "exit" event, and what waits for that would be left. */
function endOnSignals(): void {
  if (ends) return;
  ends = true;
  for (const [signal, exitCode] of exitCodes) {
    // Before the example's own listener, if it has one, for that may take itself away.
    process.prependListener(signal, () => {
      // An example that listens itself ends by its own rule.
      if (process.listenerCount(signal) === 1) process.exit(exitCode);
    });
  }
}
