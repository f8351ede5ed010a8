import type { Duplex } from "node:stream";

type Destroy = (error: Error | null, callback: (error?: Error | null) => void) => void;

/**
 * Calls `callback` once, when `conn` is destroyed; at once when it has been. As the tracker does, it wraps the stream's own
 * `_destroy`, for clients take the listeners off the sockets that they are given.
 */
export function onDestroy(conn: Duplex, callback: () => void): void {
  if (conn.destroyed) {
    callback();
    return;
  }
  const destroy = conn._destroy as Destroy;
  // A socket that its owner connects anew is destroyed once more.
  let told = false;
  conn._destroy = function destroyTold(error, done) {
    if (!told) {
      told = true;
      callback();
    }
    destroy.call(this, error, done);
  };
}
