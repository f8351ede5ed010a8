import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { notify } from "../support/user-call.ts";
import { connectionReset } from "./system-error.ts";

/** Internals of `net.Socket`. */
interface Internals {
  /** Set by `resetAndDestroy()`, which cannot pass an error to the socket's listeners. */
  resetAndClosing?: boolean;
  readonly _handle?: { readonly reset?: unknown } | null;
}

type Write = (chunk: unknown, encoding: BufferEncoding, callback: (error?: Error | null) => void) => void;

/** Destroys `conn` with ECONNRESET, as if the peer had reset it. The peer of a TCP socket receives a reset too. */
export function reset(conn: Duplex, syscall: "read" | "write" = "read"): void {
  if (conn.destroyed) return;
  const internals = conn as Internals;
  if (conn instanceof Socket && typeof internals._handle?.reset === "function") internals.resetAndClosing = true;
  notify("a connection's destroy()", () => conn.destroy(connectionReset(syscall)));
}

/** Resets `conn` in the next turn of the event loop, so that the caller can add listeners first. */
export function resetSoon(conn: Duplex): void {
  setImmediate(() => reset(conn));
}

/**
 * Resets `conn` after `bytes` bytes in one direction; later bytes are dropped. It wraps `push` and `_write` of the stream.
 * Bytes that bypass these methods are not counted, such as those of TLS on top of a TCP socket.
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
    // An immediate reset would discard the bytes that have not been read.
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
      // libuv reports an end instead of a reset to a peer that receives bytes and reset together. After two immediates
      // a peer in this process has read the bytes.
      setImmediate(setImmediate, () => {
        reset(this, "write");
        callback(error ?? connectionReset("write"));
      });
    });
  };
  // Without this, buffered chunks would be written by _writev and bypass _write.
  Object.assign(conn, { _writev: null });
}

function bytesOf(chunk: unknown, encoding: BufferEncoding | undefined): Buffer {
  return typeof chunk === "string" ? Buffer.from(chunk, encoding) : (chunk as Buffer);
}
