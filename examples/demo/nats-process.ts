import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { NatsServer } from "./nats-server.ts";

const command = "nats-server";

/**
 * A shell command that starts the server and ends it when this process ends, for whatever reason. A background shell
 * reads a pipe from this process and kills the server at the end of the pipe. The main shell replaces itself with the
 * server (`exec`), so the child's process id is the server's.
 */
const guarded = '{ read -r _; kill "$$"; } <&3 2>/dev/null & exec "$0" "$@" 3<&-';

/** Returns the name and version of the nats-server on the PATH, such as `nats-server v2.11.4`, or `undefined`. */
export async function findNatsServer(): Promise<string | undefined> {
  if (process.platform === "win32") return undefined; // Windows has no shell for `guarded`.
  try {
    const { stdout } = await promisify(execFile)(command, ["--version"]);
    return `${command} ${/v\d[\w.-]*/.exec(stdout)?.[0] ?? ""}`.trimEnd();
  } catch {
    return undefined;
  }
}

/** A real nats-server as a child process; `args` are added to its address. */
export function natsProcess(name: string, port: number, args: readonly string[] = []): NatsServer {
  let running: ChildProcess | undefined;

  async function stop() {
    const child = running;
    running = undefined;
    if (child?.pid === undefined) return;
    const gone = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
    child.stdio[3]?.destroy();
    const late = sleep(1000, "late", { ref: false });
    if ((await Promise.race([gone, late])) === "late") child.kill("SIGKILL");
    await gone;
  }

  return {
    name,
    address: `127.0.0.1:${port}`,
    async start() {
      const address = ["--addr", "127.0.0.1", "--port", String(port)];
      const child = spawn("/bin/sh", ["-c", guarded, command, ...address, ...args], {
        // In a process group of its own: Ctrl-C reaches only this program, which drains before it stops the server.
        detached: true,
        stdio: ["ignore", "ignore", "pipe", "pipe"],
      });
      running = child;
      child.once("exit", () => child.stdio[3]?.destroy()); // ends the background shell
      await ready(child);
      return `${name} is up on 127.0.0.1:${port} (process ${child.pid})`;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Resolves when the server's log reports that it is ready. */
function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = "";
    let isReady = false;
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      if (isReady) return;
      log += chunk;
      isReady = log.includes("Server is ready");
      if (isReady) resolve();
    });
    child.once("error", reject);
    child.once("close", () => reject(new Error(`nats-server did not start: ${log.trim().split("\n").at(-1)}`)));
  });
}
