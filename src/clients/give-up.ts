import type { Socket } from "node:net";

/**
 * Makes a call of `method` before the socket is connected destroy it, which cancels the dial. For clients that give up a
 * connection by that call: a socket of Node would connect first.
 *
 * @param isMeant - whether a call with these arguments gives up; any other is made as usual. @defaultValue every call
 */
export function givingUpBy(
  method: "end" | "removeListener" | "write",
  socket: Socket,
  isMeant: (...args: unknown[]) => boolean = () => true,
): Socket {
  const own = socket[method] as (...args: unknown[]) => unknown;
  const giveUp = (...args: unknown[]) => (isMeant(...args) ? socket.destroy() : own.apply(socket, args));
  Object.assign(socket, { [method]: giveUp });
  // The first listener, so that the client has the socket's own method when it is notified of the connection.
  socket.once("connect", () => Reflect.deleteProperty(socket, method));
  return socket;
}
