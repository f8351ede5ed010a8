import type { Socket } from "node:net";

/**
 * Makes `socket.end()` cancel the dial: some clients give up a connect by ending the socket, which would wait for the
 * connection, only to close it.
 */
export function cancelOnEnd(socket: Socket): Socket {
  socket.end = () => socket.destroy();
  socket.once("connect", () => Reflect.deleteProperty(socket, "end"));
  return socket;
}
