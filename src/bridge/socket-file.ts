import { chmodSync } from "node:fs";
import { lstat, unlink } from "node:fs/promises";
import { connect, type ListenOptions, type Server } from "node:net";
import { show } from "../support/validate.ts";
import { listening } from "./listening.ts";

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
  // In the same turn in which Node has created the file. If it could not, the file is another's.
  if (server.listening) chmodSync(options.path, mode);
  await listening(server);
}

async function removeStale(path: string, factory: string): Promise<void> {
  const found = await stats(path);
  if (found === undefined) return;
  if (!found.isSocket()) throw inUse(factory, path, "exists and is not a socket");
  if (await isLive(path)) throw inUse(factory, path, "is the socket of another listener");
  const { ino, dev } = (await stats(path)) ?? {};
  // Another process may have replaced it in the meantime; listening again then fails.
  if (ino === found.ino && dev === found.dev) await unlink(path);
}

async function stats(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
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
