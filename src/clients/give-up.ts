import type { Socket } from "node:net";

/**
 * Replaces `method` until the socket is connected: a call destroys the socket, which cancels the dial. For clients that
 * give up a connection by that call, for which a socket of Node would connect first.
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
  // The first listener, so that the original method is restored before the client's listeners are called.
  socket.once("connect", () => Reflect.deleteProperty(socket, method));
  return socket;
}
