import type { Socket } from "node:net";

/**
 * Delays writes until everything that has arrived by now is read, and sends them as one. A full server reports that after
 * INFO and closes the connection: the first write causes a reset, and a second write would fail before the server's message
 * is read.
 */
export function holdBack(socket: Socket): void {
  socket.cork();
  // The first immediate ends this turn of the event loop, the second ends the turn that reads.
  setImmediate(() => setImmediate(() => socket.uncork()));
}
