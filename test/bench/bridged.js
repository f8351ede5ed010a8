// @ts-check
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bridge } from "../../dist/bridge.js";
import { tcp } from "../../dist/index.js";

/**
 * Connects to a server of this process, directly or through a bridge.
 *
 * @param {string} variant - `direct`, `tcp` or `unix`.
 * @param {(socket: import("node:net").Socket) => void} serve
 */
export async function connectThrough(variant, serve) {
  const server = createServer({ noDelay: true }, serve).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const socket = connect(await where(variant, port));
  socket.setNoDelay(true);
  await once(socket, "connect");
  return socket;
}

/** @param {string} variant @param {number} port */
async function where(variant, port) {
  if (variant === "direct") return { port, host: "127.0.0.1" };
  const place = variant === "unix" ? { path: join(tmpdir(), `dialtrace-bench-${process.pid}.sock`) } : {};
  const { path, host, port: bridged } = await bridge({ dialer: tcp(), target: `127.0.0.1:${port}` }).listen(place);
  return path === undefined ? { port: bridged, host } : { path };
}
