import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { findCommand } from "./tools.ts";

const folder = import.meta.dirname;
const tunDevice = "/dev/net/tun";

/** A network with real round trips and real black holes; `links-relay.py` describes its addresses. */
export interface Links extends AsyncDisposable {
  /** Runs the rows one after the other with every contender, in a process inside the network. */
  play(rows: readonly Row[]): Promise<Record<string, Record<Contender, Result>>>;
  /** The command and arguments that run `command` inside the network. */
  inside(command: readonly string[]): readonly string[];
}

/** The contenders: this package and plain Node. */
export type Contender = "tcp" | "net";

/** One dial: of a name with these addresses. */
export interface Row {
  readonly name: string;
  readonly ips: readonly string[];
  /** Milliseconds until the IPv6 answer; the IPv4 answer is immediate. */
  readonly aaaaAfterMs?: number | undefined;
  readonly abortAfterMs?: number | undefined;
  /** Timeout of each connect in milliseconds, for this package only. */
  readonly timeoutMs?: number | undefined;
}

export interface Result {
  /** The connected address, or the code or name of the error. */
  readonly end: string;
  readonly error?: string;
  readonly ms: number;
  /** Sockets and timers that remain afterwards, except the connection. */
  readonly left: number;
  /** The addresses connected to, in order, as far as Node reports them. */
  readonly tried: readonly string[];
}

/**
 * Creates the network, or returns the reason why this host cannot have one. The network ends when the returned object
 * is disposed of or this process ends.
 */
export async function makeLinks(): Promise<Links | string> {
  const missing = whatIsMissing();
  if (missing !== undefined) return missing;
  const relay = spawn(findCommand("python3") as string, [join(folder, "links-relay.py")], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  const errors: string[] = [];
  relay.stderr.on("data", (text) => errors.push(String(text)));
  const [line] = await Promise.race([once(createInterface(relay.stdout), "line"), once(relay, "close")]);
  if (line !== "ready") return `cannot create the links: ${errors.join("").trim()}`;

  const inside = (command: readonly string[]) => ["nsenter", "--net", "--target", String(relay.pid), ...command];
  return {
    async play(rows) {
      const client = [process.execPath, "--import", "tsx", join(folder, "links-client.ts"), JSON.stringify(rows)];
      const [file = "", ...args] = inside(client);
      const { stdout } = await promisify(execFile)(file, args);
      return JSON.parse(stdout);
    },
    inside,
    [Symbol.asyncDispose]: () => ended(relay),
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.stdin?.end();
  await once(child, "close");
}

function whatIsMissing(): string | undefined {
  if (process.platform !== "linux") return "needs Linux: network namespaces";
  if (process.getuid?.() !== 0) return "needs root: network namespaces";
  const command = ["python3", "ip", "nsenter"].find((each) => findCommand(each) === undefined);
  if (command !== undefined) return `needs ${command} on the PATH`;
  try {
    accessSync(tunDevice, constants.R_OK | constants.W_OK);
  } catch {
    return `needs ${tunDevice}`;
  }
  return undefined;
}
