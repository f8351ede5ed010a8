import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
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

/** Freezes a process and waits until all of its threads are stopped. Until then it may still answer its peers. */
export async function freezeProcess(pid: number): Promise<void> {
  process.kill(pid, "SIGSTOP");
  await until(() => threadStates(pid).every((state) => state === "T"), `process ${pid} is stopped`);
}

/** Resumes a frozen process and waits until all of its threads run. Does nothing if the process has ended. */
export async function thawProcess(pid: number): Promise<void> {
  try {
    process.kill(pid, "SIGCONT");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return;
    throw error;
  }
  await until(() => !threadStates(pid).includes("T"), `process ${pid} is running`);
}

/** States of a process's threads in the kernel (R, S, D, T, Z …). Empty without /proc or if the process has ended. */
function threadStates(pid: number): readonly string[] {
  return threadsOf(pid).flatMap((id) => stateOf(`/proc/${pid}/task/${id}/stat`) ?? []);
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** `undefined` if the thread has ended. */
function stateOf(file: string): string | undefined {
  try {
    // The command's name is in parentheses and may contain any character.
    return /^.*\) (\S)/s.exec(readFileSync(file, "latin1"))?.[1];
  } catch {
    return undefined;
  }
}
