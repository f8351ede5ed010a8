import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { ProxyAuth } from "../../src/index.ts";
import { freePort } from "./peers.ts";
import { removeFolder, temporaryFolder } from "./temporary.ts";
import { findCommand } from "./tools.ts";

/** A real server on loopback, as a process. */
export interface RunningServer {
  readonly port: number;
  /** `127.0.0.1:port` */
  readonly address: string;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts tinyproxy, an HTTP proxy; `lines` are added to its configuration. */
export function startTinyproxy(auth?: ProxyAuth, lines: readonly string[] = []): Promise<RunningServer> {
  return start("tinyproxy", (port, folder) => {
    const config = join(folder, "tinyproxy.conf");
    const basic = auth === undefined ? [] : [`BasicAuth ${auth.username} ${auth.password}`];
    const fixed = [`Port ${port}`, "Listen 127.0.0.1", "LogLevel Critical", "MaxClients 400", "Timeout 60"];
    writeFileSync(config, [...fixed, ...basic, ...lines, ""].join("\n"));
    return ["-d", "-c", config];
  });
}

/** Starts microsocks, a SOCKS5 proxy. */
export function startMicrosocks(auth?: ProxyAuth): Promise<RunningServer> {
  const login = auth === undefined ? [] : ["-u", auth.username, "-P", auth.password];
  return start("microsocks", (port) => ["-i", "127.0.0.1", "-p", String(port), ...login]);
}

/** Starts redis-server without persistence; `tls` are its TLS options, if any. */
export function startRedis(tls?: readonly string[]): Promise<RunningServer> {
  return start("redis-server", (port, folder) => {
    const ports = tls === undefined ? ["--port", String(port)] : ["--port", "0", "--tls-port", String(port), ...tls];
    return [...ports, "--bind", "127.0.0.1", "--save", "", "--dir", folder];
  });
}

async function start(
  command: string,
  args: (port: number, folder: string) => readonly string[],
): Promise<RunningServer> {
  const folder = temporaryFolder();
  const port = await freePort();
  const child = spawn(findCommand(command) ?? command, args(port, folder), { stdio: "ignore" });
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    }
    removeFolder(folder);
  };
  await once(child, "spawn");
  for (let tries = 0; !(await isListening(port)); tries += 1) {
    if (child.exitCode !== null || tries === 400) throw new Error(`${command} does not answer: ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return { port, address: `127.0.0.1:${port}`, stop, [Symbol.asyncDispose]: stop };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("close", (hadError) => resolve(!hadError));
    socket.once("connect", () => socket.destroy());
    socket.once("error", () => {});
  });
}
