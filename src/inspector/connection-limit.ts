import type { Server, ServerOptions } from "node:http";
import type { Socket } from "node:net";

/** Maximum number of connections besides those of live viewers, whose number is limited elsewhere. */
export const maxConnections = 64;
/** Closes connections whose request has not arrived within 10 seconds. */
export const requestTimeouts: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 5_000,
};

/**
 * Limits the connections to a server by closing the one whose last request began longest ago. Connections that send
 * half a request, or do not read the response, are therefore closed before those of a browser. `maxConnections` of
 * Node.js would refuse new connections instead, and leave the slow ones open.
 *
 * Returns a function that exempts the connection of a request that is answered by a stream.
 */
export function limitConnections(server: Server): (socket: Socket) => void {
  /** The connections in the order of their last requests, oldest first. */
  const waiting = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    // No connection keeps the process alive, not even one that sends no request.
    socket.unref();
    socket.once("close", () => waiting.delete(socket));
    waiting.add(socket);
    if (waiting.size <= maxConnections) return;
    const [oldest] = waiting;
    oldest?.destroy();
    if (oldest !== undefined) waiting.delete(oldest);
  });
  server.on("request", ({ socket }) => {
    if (waiting.delete(socket)) waiting.add(socket);
  });
  return (socket) => void waiting.delete(socket);
}
