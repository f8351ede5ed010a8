import { type BigIntStats, chmodSync, lstatSync, renameSync, unlinkSync } from "node:fs";
import { connect, type ListenOptions, type Server } from "node:net";
import { systemClock } from "../async/clock.ts";
import { sleep } from "../async/sleep.ts";
import { lazyModules } from "../support/lazy-modules.ts";
import { show } from "../support/validate.ts";
import { listening } from "./listening.ts";

/**
 * Milliseconds after which a socket file that refuses a connect is tried again. A process creates the file before it
 * listens, and a new file looks like the old one within the resolution of the file system's clock.
 */
const settleMs = 100;

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
  for (const waitMs of [0, settleMs]) {
    await sleep(waitMs, systemClock, undefined);
    if (await isLive(path)) throw inUse(factory, path, "is the socket of another listener");
  }
  removeIfSame(path, found);
}

/**
 * Removes a socket file, unless another process has replaced it in the meantime: no client could connect to that process.
 * The file is renamed first, so that it cannot be replaced any more, and renamed back if it is a different one.
 */
function removeIfSame(path: string, found: BigIntStats): void {
  // Without this check, each race would remove a live socket for a moment.
  if (!isSame(stats(path), found)) return;
  const aside = `${path}.${lazyModules.crypto.randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  if (!isSame(stats(aside), found) && stats(path) === undefined) renameSync(aside, path);
  else unlinkSync(aside);
}

/** Compares the time, too: a file system gives the inode number of a removed file to the next one. */
function isSame(one: BigIntStats | undefined, other: BigIntStats): boolean {
  return one?.ino === other.ino && one.dev === other.dev && one.mtimeNs === other.mtimeNs;
}

function stats(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}

/** Whether a process listens on the socket. Only a refused connect proves that none does. */
function isLive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code !== "ECONNREFUSED"));
  });
}

function inUse(factory: string, path: string, why: string): Error {
  return Object.assign(new Error(`${factory}: path ${show(path)} ${why}; remove the file or choose another path`), {
    code: "EADDRINUSE",
  });
}
