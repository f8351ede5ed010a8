import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { freePort } from "./peers.ts";
import { endWithThisProcess, freezeProcess, thawProcess } from "./processes.ts";
import { removeFolder, temporaryFolder } from "./temporary.ts";
import { findCommand } from "./tools.ts";

/** A real nats-server on loopback. */
export interface NatsServer {
  readonly port: number;
  /** `127.0.0.1:port` */
  readonly address: string;
  /** The id of the running process, if there is one. */
  readonly pid: number | undefined;
  /** Starts or restarts the server on the same port and waits until it answers. */
  start(): Promise<void>;
  /** Changes the configuration for the next start. */
  configure(config: string): void;
  /** Sends a signal, such as `SIGUSR2` for lame duck mode. */
  signal(signal: NodeJS.Signals): void;
  /** Freezes the process: it does not answer, and its sockets stay open. */
  freeze(): Promise<void>;
  /** Resumes the process after a freeze. */
  thaw(): Promise<void>;
  /** Stops the process with `signal` and waits until it has exited. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The nats-server executable: the path in `NATS_SERVER`, or the one on the PATH. */
export function natsServerCommand(): string {
  return process.env.NATS_SERVER ?? findCommand("nats-server") ?? "nats-server";
}

/** Whether the nats-server under test has this version, as major, minor and patch, or a newer one. */
export function isNatsServerAtLeast(minimum: readonly [number, number, number]): boolean {
  const text = execFileSync(natsServerCommand(), ["--version"], { encoding: "utf8" });
  const version = /v(\d+)\.(\d+)\.(\d+)/.exec(text)?.slice(1).map(Number) ?? [];
  const differing = minimum.findIndex((part, index) => part !== version[index]);
  return differing === -1 || (version[differing] ?? 0) > (minimum[differing] ?? 0);
}

/** Sets the server's timeouts for CONNECT and TLS handshakes to 30 s. Their default of 2 s is shorter than a pause of a client. */
function withLongTimeouts(config: string): string {
  const whole = /^\s*authorization\b/m.test(config) ? config : `${config}\nauthorization {}`;
  return whole.replaceAll(/^(\s*(?:authorization|tls):? *\{)/gm, "$1 timeout: 30\n");
}

/** Prepares a nats-server; `args` are its arguments, such as `["--user", "u", "--pass", "p"]`, `config` the text of its file. */
export async function natsServer(args: readonly string[] = [], config = ""): Promise<NatsServer> {
  const port = await freePort();
  const folder = temporaryFolder();
  const configFile = join(folder, "server.conf");
  writeFileSync(configFile, withLongTimeouts(config));
  let isTlsFirst = config.includes("handshake_first");
  let child: ChildProcess | undefined;
  const server: NatsServer = {
    port,
    address: `127.0.0.1:${port}`,
    get pid() {
      return child?.pid;
    },
    async start() {
      child = spawn(natsServerCommand(), ["-a", "127.0.0.1", "-p", String(port), "-c", configFile, ...args], {
        stdio: "ignore",
      });
      endWithThisProcess(child);
      await answers(port, child, isTlsFirst);
    },
    configure(text) {
      writeFileSync(configFile, withLongTimeouts(text));
      isTlsFirst = text.includes("handshake_first");
    },
    signal(signal) {
      child?.kill(signal);
    },
    async freeze() {
      if (child?.pid !== undefined) await freezeProcess(child.pid);
    },
    async thaw() {
      if (child?.pid !== undefined) await thawProcess(child.pid);
    },
    async stop(signal = "SIGKILL") {
      const running = child;
      child = undefined;
      if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
      const gone = once(running, "exit");
      running.kill(signal);
      await gone;
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      removeFolder(folder);
    },
  };
  return server;
}

/** Starts a nats-server. */
export async function startNats(args: readonly string[] = [], config = ""): Promise<NatsServer> {
  const server = await natsServer(args, config);
  await server.start();
  return server;
}

async function answers(port: number, child: ChildProcess, isTlsFirst: boolean): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await sendsInfo(port, isTlsFirst))) {
    if (child.exitCode !== null) throw new Error(`nats-server ended with ${child.exitCode}`);
    if (Date.now() > deadline) throw new Error("nats-server does not answer");
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Whether the server has sent INFO on a connection, which it has then counted. */
function sendsInfo(port: number, isTlsFirst: boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const isUp = () => {
      resolve(true);
      socket.destroy();
    };
    socket.once("data", isUp);
    // A server that requires TLS first sends nothing.
    if (isTlsFirst) socket.setTimeout(500, isUp);
    else socket.setTimeout(30_000, () => socket.destroy());
    socket.once("error", () => {});
    socket.once("close", () => resolve(false));
  });
}
