import type { Duplex } from "node:stream";

/** Whether a connection can be used by somebody else: alive both ways, with nothing on it that its last user has not read. */
export function isFit(conn: Duplex): boolean {
  return conn.readable && conn.writable && conn.readableLength === 0;
}

/**
 * Has `onReadable` called when bytes or the end of the connection arrive, and leaves them where they are: a
 * stream with a `readable` listener reads ahead, but hands out nothing unasked, whatever mode its last user
 * has left it in.
 */
export function watchIdle(conn: Duplex, onReadable: () => void): void {
  const paused = conn.isPaused();
  conn.on("readable", onReadable);
  conn.on("error", ignore);
  // With that listener it lets nothing flow; it only forgets that it was paused.
  if (paused) conn.resume();
}

/** Ends the watch, and leaves the stream in the mode of a fresh one: nothing flows before somebody listens. */
export function unwatchIdle(conn: Duplex, onReadable: () => void): void {
  conn.removeListener("readable", onReadable);
  conn.removeListener("error", ignore);
  setUnread(conn);
}

/** Puts a stream into the mode of a fresh one, for one user who takes it over from another. */
export function freshen(conn: Duplex): void {
  const paused = conn.isPaused();
  if (conn.readableFlowing === null && !paused) return;
  conn.on("readable", ignore);
  if (paused) conn.resume();
  conn.removeListener("readable", ignore);
  setUnread(conn);
}

/**
 * Node does this by itself a tick after the last `readable` listener has gone, which is too late for who looks before.
 * The property is read-only by its types alone.
 */
function setUnread(conn: { readableFlowing: boolean | null }): void {
  conn.readableFlowing = null;
}

function ignore(): void {}
