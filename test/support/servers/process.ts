import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { freePort } from "../peers.ts";
import { type EndOptions, endWithThisProcess } from "../processes.ts";
import { removeFolder, temporaryFolder } from "../temporary.ts";
import { findCommand } from "../tools.ts";

/** A real server on loopback, as a process. */
export interface RunningServer extends AsyncDisposable {
  /** Id of the process, which leads a process group. */
  readonly pid: number;
  readonly port: number;
  /** `127.0.0.1:port` */
  readonly address: string;
  stop(): Promise<void>;
}

/** How a server is started. */
export interface StartOptions {
  /** Port to listen on; for a restart. @defaultValue a free port */
  readonly port?: number | undefined;
  /** Additional environment of the process. */
  readonly env?: (port: number, folder: string) => NodeJS.ProcessEnv;
  /** Resolves with whether the server answers. @defaultValue whether the port accepts connections */
  readonly answers?: (port: number) => Promise<boolean>;
  /** Signal that ends the server when this process is killed. @defaultValue `SIGKILL` */
  readonly signal?: EndOptions["signal"];
}

/**
 * Starts `command` with a data folder of its own, and waits until it answers. It gets a process group of its own, which is
 * ended as a whole: some servers are started by a script.
 */
export async function startProcess(
  command: string,
  args: (port: number, folder: string) => readonly string[],
  { port: given, env = () => ({}), answers = isListening, signal = "SIGKILL" }: StartOptions = {},
): Promise<RunningServer> {
  const folder = temporaryFolder();
  const port = given ?? (await freePort());
  const child = spawn(findCommand(command) ?? command, args(port, folder), {
    stdio: "ignore",
    detached: true,
    env: { ...process.env, ...env(port, folder) },
  });
  endWithThisProcess(child, { leads: true, signal });
  const kill = () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, "SIGKILL");
  };
  process.once("exit", kill);
  const stop = async () => {
    process.off("exit", kill);
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, "exit");
      kill();
      await gone;
      // A worker of the server may hold the listening socket for longer than the leader of the group lives.
      const deadline = Date.now() + 30_000;
      while (await isListening(port)) {
        if (Date.now() > deadline) throw new Error(`port ${port} has a listener after ${command} was killed`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    removeFolder(folder);
  };
  await once(child, "spawn");
  const deadline = Date.now() + 60_000;
  while (!(await answers(port))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`${command} does not answer: ${child.exitCode}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return { pid: child.pid ?? 0, port, address: `127.0.0.1:${port}`, stop, [Symbol.asyncDispose]: stop };
}

/** Whether a port of loopback accepts connections. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("close", (hadError) => resolve(!hadError));
    socket.once("connect", () => socket.destroy());
    socket.once("error", () => {});
  });
}
