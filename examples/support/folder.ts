import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Creates a folder for the files of an example. It is removed when the process exits, also by Ctrl-C. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "dialtrace-example-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  endOnSignals();
  return folder;
}

/** Exit codes as shells set them: 128 plus the number of the signal. */
export const exitCodes = [
  ["SIGHUP", 129],
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const;
let ends = false;

/** Exits on signals, since a signal by itself ends the process without an "exit" event. */
function endOnSignals(): void {
  if (ends) return;
  ends = true;
  for (const [signal, exitCode] of exitCodes) {
    // Runs before the example's own listener, which may remove itself.
    process.prependListener(signal, () => {
      // An example with its own listener decides itself when to exit.
      if (process.listenerCount(signal) === 1) process.exit(exitCode);
    });
  }
}
