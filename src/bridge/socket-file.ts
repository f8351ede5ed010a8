import { type BigIntStats, chmodSync, closeSync, lstatSync, openSync, rmSync, statSync, unlinkSync } from "node:fs";
import { connect, type ListenOptions, type Server } from "node:net";
import { systemClock } from "../async/clock.ts";
import { sleep } from "../async/sleep.ts";
import { show } from "../support/validate.ts";
import { listening } from "./listening.ts";

/**
 * Age of a socket file, in milliseconds, from which a refused connect proves that no process listens. A process creates
 * the file before it listens.
 */
const settleMs = 1_000;

/** Age of a lock file, in milliseconds, from which the process that created it is regarded as killed. */
const abandonedMs = 10_000;

/** Codes of a connect to a path on which no process listens. */
const noListener: readonly (string | undefined)[] = ["ECONNREFUSED", "ENOENT"];

/** Only the owner of the socket file may connect. */
const mode = 0o600;

/**
 * Listens on a unix socket. Replaces a socket file without a listener, which a process that was killed leaves behind.
 * Node removes the file when the server closes.
 *
 * @throws an error with the code `EADDRINUSE` if another process listens on the path, or if it is no socket.
 */
export async function listenOnPath(server: Server, factory: string, options: ListenOptions & { path: string }) {
  try {
    await listenOnce(server, options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    await removeStale(options.path, factory);
    await listenOnce(server, options);
  }
}

async function listenOnce(server: Server, options: ListenOptions & { path: string }): Promise<void> {
  server.listen(options);
  // In the turn in which Node creates the file. If Node cannot create it, the file belongs to another process.
  if (server.listening) chmodSync(options.path, mode);
  await listening(server);
}

async function removeStale(path: string, factory: string): Promise<void> {
  const found = stats(path);
  if (found === undefined) return;
  if (!found.isSocket()) throw inUse(factory, path, "exists and is not a socket");
  const refuseLive = async () => {
    if (await isLive(path)) throw inUse(factory, path, "is the socket of another listener");
  };
  await refuseLive();
  const ageMs = Date.now() - Number(found.mtimeMs);
  if (ageMs < settleMs) {
    // At most the settle time, if the clock has been set back.
    await sleep(Math.min(settleMs - ageMs, settleMs), systemClock, undefined);
    await refuseLive();
  }
  removeIfSame(path, found);
}

/**
 * Removes a socket file, unless another process has replaced it in the meantime: no client could connect to that process.
 * Only the process that has created the lock file removes the file, so that it stays the same one from the check on.
 */
function removeIfSame(path: string, found: BigIntStats): void {
  // The name identifies the socket file: the lock of an earlier one does not count.
  const lock = `${path}.${found.ino}-${found.mtimeNs}.lock`;
  if (!lockFile(lock)) return;
  try {
    if (isSame(stats(path), found)) unlinkSync(path);
  } finally {
    rmSync(lock, { force: true });
  }
}

/** Creates a lock file. Returns `false` if another process has the lock. */
function lockFile(lock: string): boolean {
  try {
    closeSync(openSync(lock, "wx", mode));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const held = statSync(lock, { throwIfNoEntry: false });
  // A process holds the lock within one turn of its event loop.
  if (held === undefined || Date.now() - held.mtimeMs < abandonedMs) return false;
  rmSync(lock, { force: true });
  return lockFile(lock);
}

/** Compares the time, too: a file system gives the inode number of a removed file to the next one. */
function isSame(one: BigIntStats | undefined, other: BigIntStats): boolean {
  return one?.ino === other.ino && one.dev === other.dev && one.mtimeNs === other.mtimeNs;
}

function stats(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

/** Whether a process listens on the socket. Only a refused connect, or a missing file, proves that none does. */
function isLive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(!noListener.includes(error.code)));
  });
}

function inUse(factory: string, path: string, why: string): Error {
  return Object.assign(new Error(`${factory}: path ${show(path)} ${why}; remove the file or choose another path`), {
    code: "EADDRINUSE",
  });
}
