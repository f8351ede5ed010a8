import { readFileSync } from "node:fs";
import { until } from "./resources.ts";

/** Stops a process where it stands, and waits until it does. */
export async function freezeProcess(pid: number): Promise<void> {
  process.kill(pid, "SIGSTOP");
  await until(() => (stateOf(pid) ?? "T") === "T", `process ${pid} stands still`);
}

/** Lets a frozen process go on, and waits until it does. */
export async function thawProcess(pid: number): Promise<void> {
  process.kill(pid, "SIGCONT");
  await until(() => stateOf(pid) !== "T", `process ${pid} goes on`);
}

/** State of a process as the kernel has it (R, S, D, T, Z …); `undefined` where there is no /proc or no such process. */
function stateOf(pid: number): string | undefined {
  try {
    // The command's name stands in parentheses and may hold any character.
    return /^.*\) (\S)/s.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))?.[1];
  } catch {
    return undefined;
  }
}
