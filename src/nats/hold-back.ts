import type { Socket } from "node:net";

/**
 * Holds back what is written until what has arrived by now is read, and sends it as one. A full server
 * says so after INFO and hangs up: the first write meets a reset, and the failure of a second one would
 * be known before what the server has said.
 */
export function holdBack(socket: Socket): void {
  socket.cork();
  // The first ends this turn of the event loop, the second the one that reads.
  setImmediate(() => setImmediate(() => socket.uncork()));
}
