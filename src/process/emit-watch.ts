import type { Socket } from "node:net";

/** Receives the events of a socket, before the socket's own listeners. It must not throw. */
export type EventWatcher = (event: string | symbol, args: readonly unknown[]) => void;

type Emit = (event: string | symbol, ...args: unknown[]) => boolean;

/**
 * Calls `watcher` for the events of `socket` until the returned function is called. It wraps `emit` and adds no listener:
 * clients call `removeAllListeners()`, and an `error` listener would hide an uncaught error. It is for the time until a
 * socket is connected, when a socket emits few events and no data.
 */
export function watchEvents(socket: Socket, watcher: EventWatcher): () => void {
  const original = socket.emit as Emit;
  let watching = true;
  const watched: Emit = function emit(this: Socket, event, ...args) {
    if (watching) watcher(event, args);
    return original.call(this, event, ...args);
  };
  socket.emit = watched as Socket["emit"];
  return () => {
    watching = false;
    // Deleting the property would make all later accesses to the socket's properties slow.
    if (socket.emit === (watched as Socket["emit"])) socket.emit = original as Socket["emit"];
  };
}
