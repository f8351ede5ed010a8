import type { Duplex } from "node:stream";

/** Whether a connection can be leased again: open in both directions, without unread bytes. */
export function isFit(conn: Duplex): boolean {
  return conn.readable && conn.writable && conn.readableLength === 0;
}

/**
 * Calls `onReadable` when bytes arrive or the peer ends the connection, and leaves the bytes in the buffer: a stream
 * with a `readable` listener reads ahead but emits no data, in whatever mode its last leaseholder left it.
 */
export function watchIdle(conn: Duplex, onReadable: () => void): void {
  const paused = conn.isPaused();
  conn.on("readable", onReadable);
  conn.on("error", ignore);
  // With a `readable` listener, resume() starts no flow: it only clears the paused state.
  if (paused) conn.resume();
}

/** Stops watching, and resets the stream to the mode of a new one: no data flows before a listener is added. */
export function unwatchIdle(conn: Duplex, onReadable: () => void): void {
  conn.removeListener("readable", onReadable);
  conn.removeListener("error", ignore);
  setUnread(conn);
}

/** Resets a stream to the mode of a new one, when it passes from one leaseholder to the next. */
export function freshen(conn: Duplex): void {
  const paused = conn.isPaused();
  if (conn.readableFlowing === null && !paused) return;
  conn.on("readable", ignore);
  if (paused) conn.resume();
  conn.removeListener("readable", ignore);
  setUnread(conn);
}

/**
 * Node does the same a tick after the last `readable` listener was removed, which is too late for code that looks
 * earlier. Only the type says that the property is read-only.
 */
function setUnread(conn: { readableFlowing: boolean | null }): void {
  conn.readableFlowing = null;
}

function ignore(): void {}
