import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { until } from "./resources.ts";

/** Which processes {@link endWithThisProcess} ends, and how. */
export interface EndOptions {
  /** Whether the child leads a process group, which is then ended as a whole. @defaultValue false */
  readonly leads?: boolean;
  /** @defaultValue `SIGKILL` */
  readonly signal?: "SIGKILL" | "SIGQUIT";
}

/**
 * Ends a child when this process ends, even by a signal, for which Node calls no `exit` listener. A shell in a session of
 * its own, which Ctrl-C does not reach, waits for the end of a pipe from this process.
 */
export function endWithThisProcess(child: ChildProcess, { leads = false, signal = "SIGKILL" }: EndOptions = {}): void {
  if (child.pid === undefined) return;
  const watcher = spawn(
    "/bin/sh",
    ["-c", `read -r _; kill -s ${signal.slice(3)} -- "$0"`, `${leads ? "-" : ""}${child.pid}`],
    {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
    },
  );
  watcher.unref();
  (watcher.stdin as Socket).unref();
  // The id may become that of another process.
  child.once("exit", () => watcher.kill("SIGKILL"));
}

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
