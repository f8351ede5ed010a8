// @ts-check
/** A process that echoes what it receives, over TCP and TLS. Ends with its parent. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { noop } from "./loop.js";
import { acceptTls } from "./tls-peer.js";

/** @typedef {{ port: number, tlsPort: number, ca: string }} EchoPeer */

/** Starts the process. @returns {Promise<EchoPeer>} */
export async function startEcho() {
  const child = fork(fileURLToPath(import.meta.url), ["serve"], { execArgv: [] });
  const [peer] = await once(child, "message");
  child.unref();
  child.channel?.unref();
  return peer;
}

/** @param {import("node:net").Socket} socket */
function echo(socket) {
  socket.setNoDelay(true);
  socket.on("error", noop);
  socket.pipe(socket);
}

if (process.argv[2] === "serve") {
  process.on("disconnect", () => process.exit());
  const server = createServer(echo).listen({ port: 0, host: "127.0.0.1", backlog: 4096 });
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const secure = await acceptTls(echo);
  process.send?.({ port, tlsPort: secure.port, ca: secure.ca });
}
