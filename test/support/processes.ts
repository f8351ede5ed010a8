import { readFileSync } from "node:fs";
import { until } from "./resources.ts";

/** Freezes a process and waits until it is stopped. */
export async function freezeProcess(pid: number): Promise<void> {
  process.kill(pid, "SIGSTOP");
  await until(() => (stateOf(pid) ?? "T") === "T", `process ${pid} is stopped`);
}

/** Resumes a frozen process and waits until it runs. */
export async function thawProcess(pid: number): Promise<void> {
  process.kill(pid, "SIGCONT");
  await until(() => stateOf(pid) !== "T", `process ${pid} is running`);
}

/** State of a process in the kernel (R, S, D, T, Z …); `undefined` without /proc or if the process does not exist. */
function stateOf(pid: number): string | undefined {
  try {
    // The command's name is in parentheses and may contain any character.
    return /^.*\) (\S)/s.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))?.[1];
  } catch {
    return undefined;
  }
}
