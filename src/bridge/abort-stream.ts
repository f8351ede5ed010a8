import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** Ends a stream so that its peer sees an error instead of the end of the data: a TCP socket is reset. */
export function abortStream(stream: Duplex): void {
  if (stream.destroyed) return;
  try {
    const { resetAndDestroy } = stream as Partial<Socket>;
    if (resetAndDestroy !== undefined) resetAndDestroy.call(stream);
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
