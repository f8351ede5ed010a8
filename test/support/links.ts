import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { findCommand } from "./tools.ts";

const folder = import.meta.dirname;
const tunDevice = "/dev/net/tun";

/** A network with real round trips and real black holes; see `links-relay.py` for what its addresses are like. */
export interface Links extends AsyncDisposable {
  /** Plays the rows one after the other, each by every contender, in a process inside the network. */
  play(rows: readonly Row[]): Promise<Record<string, Record<Contender, Result>>>;
}

/** Who dials: this package, and Node by itself. */
export type Contender = "tcp" | "net";

/** One dial: of a name with these addresses. */
export interface Row {
  readonly name: string;
  readonly ips: readonly string[];
  /** How long the answer about IPv6 takes; the one about IPv4 comes at once. */
  readonly aaaaAfterMs?: number | undefined;
  readonly abortAfterMs?: number | undefined;
  /** Bound on each connect; Node's own has its own. */
  readonly timeoutMs?: number | undefined;
}

export interface Result {
  /** The address connected to, or the code or name of the error. */
  readonly end: string;
  readonly error?: string;
  readonly ms: number;
  /** Sockets and timers still there a moment later, the connection itself apart. */
  readonly left: number;
  /** Addresses tried, in order, as far as Node tells. */
  readonly tried: readonly string[];
}

/**
 * Makes the network, or tells why there can be none here. It is gone with what this returns, or with
 * this process, however that ends.
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
  if (line !== "ready") return `the links can't be made here: ${errors.join("").trim()}`;

  return {
    async play(rows) {
      const args = ["--net", "--target", String(relay.pid), process.execPath, "--import", "tsx"];
      const { stdout } = await promisify(execFile)("nsenter", [
        ...args,
        join(folder, "links-client.ts"),
        JSON.stringify(rows),
      ]);
      return JSON.parse(stdout);
    },
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
