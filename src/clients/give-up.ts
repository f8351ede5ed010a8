import type { Socket } from "node:net";

/**
 * Makes a call of `method` before the socket is connected destroy it, which cancels the dial. For clients that give up a
 * connection by that call, because a socket of Node would connect first.
 */
export function givingUpBy(method: "end" | "write", socket: Socket): Socket {
  const giveUp = () => socket.destroy();
  Object.assign(socket, { [method]: giveUp });
  // The first listener, so that the client has the socket's own method when it hears of the connection.
  socket.once("connect", () => Reflect.deleteProperty(socket, method));
  return socket;
}
