import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { notify } from "../support/user-call.ts";
import { connectionReset } from "./system-error.ts";

interface Internals {
  /** Set by `resetAndDestroy()`, which takes no error: its owner would hear of a close and no reason. */
  resetAndClosing?: boolean;
  readonly _handle?: { readonly reset?: unknown } | null;
}

type Write = (chunk: unknown, encoding: BufferEncoding, callback: (error?: Error | null) => void) => void;

/** Ends `conn` as a peer's reset does. Where it is a TCP socket the peer gets a reset, too. */
export function reset(conn: Duplex, syscall: "read" | "write" = "read"): void {
  if (conn.destroyed) return;
  const internals = conn as Internals;
  if (conn instanceof Socket && typeof internals._handle?.reset === "function") internals.resetAndClosing = true;
  notify("a connection's destroy()", () => conn.destroy(connectionReset(syscall)));
}

/** Resets `conn` in the next turn of the event loop, when its owner has had time to listen. */
export function resetSoon(conn: Duplex): void {
  setImmediate(() => reset(conn));
}

/**
 * Resets `conn` once `bytes` have passed in one direction; what is beyond them is lost. It wraps the
 * stream's own `push` and `_write`: bytes that others carry past these, such as a TLS upgrade on
 * top of a TCP socket, are not seen.
 */
export function cutAfter(conn: Duplex, bytes: number): void {
  let readLeft = bytes;
  let writeLeft = bytes;
  let readEnough = false;

  const push = conn.push;
  conn.push = function pushUntilCut(chunk: unknown, encoding?: BufferEncoding): boolean {
    if (readEnough) return false;
    if (chunk === null || chunk === undefined) return push.call(this, chunk);
    const data = bytesOf(chunk, encoding);
    if (data.length < readLeft) {
      readLeft -= data.length;
      return push.call(this, data);
    }
    readEnough = true;
    push.call(this, data.subarray(0, readLeft));
    // Destroyed at once, it would lose what it has been given and its owner has not read.
    resetSoon(this);
    return false;
  };

  const write = conn._write as Write;
  conn._write = function writeUntilCut(chunk: unknown, encoding, callback) {
    const data = bytesOf(chunk, encoding);
    if (data.length < writeLeft) {
      writeLeft -= data.length;
      write.call(this, data, "buffer" as BufferEncoding, callback);
      return;
    }
    write.call(this, data.subarray(0, writeLeft), "buffer" as BufferEncoding, (error) => {
      // A peer that finds bytes and a reset at once is told of an end by libuv, not of a reset: one in this process
      // has had its turn for certain when the second immediate comes.
      setImmediate(setImmediate, () => {
        reset(this, "write");
        callback(error ?? connectionReset("write"));
      });
    });
  };
  // What has come meanwhile would be written past _write, all at once.
  Object.assign(conn, { _writev: null });
}

function bytesOf(chunk: unknown, encoding: BufferEncoding | undefined): Buffer {
  return typeof chunk === "string" ? Buffer.from(chunk, encoding) : (chunk as Buffer);
}
