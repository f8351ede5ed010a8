import type { Duplex } from "node:stream";

type Destroy = (error: Error | null, callback: (error?: Error | null) => void) => void;

/** Called with the error that the connection is destroyed with, or `null`. */
export type DestroyListener = (error: Error | null) => void;

const hookKey: unique symbol = Symbol("dialtrace.destroyHook");

interface DestroyHook {
  /** The wrapped `_destroy`. If the stream has another one now, it was wrapped or replaced by other code. */
  readonly destroy: Destroy;
  /** Oldest first; emptied when they are called. */
  listeners: DestroyListener[];
}

interface Hooked {
  [hookKey]?: DestroyHook;
}

/**
 * Calls `listener` once, when `conn` is destroyed, before the stream's own `_destroy`; the newest listener is called
 * first. If `conn` is destroyed already, calls it immediately. It wraps `_destroy`, which Node calls once whatever ends
 * a stream, and adds no event listener: clients call `removeAllListeners()` on the sockets that they are given.
 */
export function onDestroy(conn: Duplex, listener: DestroyListener): void {
  if (conn.destroyed) {
    listener(conn.errored ?? null);
    return;
  }
  const hook = (conn as Hooked)[hookKey];
  if (hook !== undefined && conn._destroy === hook.destroy) hook.listeners.push(listener);
  else (conn as Hooked)[hookKey] = hooked(conn, listener);
}

function hooked(conn: Duplex, listener: DestroyListener): DestroyHook {
  const original = conn._destroy as Destroy;
  const hook: DestroyHook = {
    listeners: [listener],
    destroy(error, done) {
      const { listeners } = hook;
      // A socket that its owner connects again is destroyed once more.
      hook.listeners = [];
      for (let index = listeners.length - 1; index >= 0; index -= 1) listeners[index]?.(error);
      original.call(this, error, done);
    },
  };
  conn._destroy = hook.destroy;
  return hook;
}
