import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { NatsServer } from "./nats-server.ts";

const command = "nats-server";

/**
 * The server doesn't outlive this process, however that ends: beside it waits a shell at a pipe from
 * us, and the end of the pipe is the end of the server. A shell becomes the server, so the process that
 * we have started is the server itself.
 */
const guarded = '{ read -r _; kill "$$"; } <&3 2>/dev/null & exec "$0" "$@" 3<&-';

/** The nats-server on the PATH and its version, such as `nats-server v2.11.4`; `undefined` when there is none. */
export async function findNatsServer(): Promise<string | undefined> {
  if (process.platform === "win32") return undefined; // No shell there to guard it.
  try {
    const { stdout } = await promisify(execFile)(command, ["--version"]);
    return `${command} ${/v\d[\w.-]*/.exec(stdout)?.[0] ?? ""}`.trimEnd();
  } catch {
    return undefined;
  }
}

/** A real nats-server as a child process; `args` are its own, beside its address. */
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
        // A group of its own: a terminal's Ctrl-C is for the program, which drains before it stops the server.
        detached: true,
        stdio: ["ignore", "ignore", "pipe", "pipe"],
      });
      running = child;
      child.once("exit", () => child.stdio[3]?.destroy()); // nothing to guard any more
      await ready(child);
      return `${name} is up on 127.0.0.1:${port} (process ${child.pid})`;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Reads the server's log until it says that it is ready. */
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
