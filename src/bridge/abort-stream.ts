import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** Ends a stream so that its peer sees an error instead of the end of the data: a TCP socket is reset. */
export function abortStream(stream: Duplex): void {
  if (stream.destroyed) return;
  const { writableEnded, writableFinished, writableLength } = stream;
  // libuv refuses to reset a socket while it sends the end of the data, and the socket would stay open.
  const isEnding = writableEnded && !writableFinished && writableLength === 0;
  try {
    const { resetAndDestroy } = stream as Partial<Socket>;
    if (resetAndDestroy !== undefined && !isEnding) resetAndDestroy.call(stream);
  } catch {
    // Node can reset neither unix sockets nor TLS sockets.
  }
  stream.destroy();
}

/** Sends what a stream still has to write, then destroys it. */
export function finishStream(stream: Duplex): void {
  if (stream.destroyed) return;
  if (stream.writableFinished) {
    stream.destroy();
    return;
  }
  stream.once("finish", () => stream.destroy());
  stream.end();
}

/** Resolves when a stream is closed. */
export function closeOf(stream: Duplex): Promise<void> {
  if (stream.closed) return Promise.resolve();
  return new Promise((resolve) => stream.once("close", () => resolve()));
}
