import type { Socket } from "node:net";
import { DialError } from "../core/errors.ts";
import { CollectedBytes } from "../support/collected-bytes.ts";

/**
 * Reads the head of a proxy's answer. Bytes after the head are put back, to be read from the socket. No listener is left.
 *
 * @param headLength - returns the length of the head in the bytes received so far, or `undefined` while it is incomplete.
 * @param maxBytes - maximum length of the head.
 * @param limit - the maximum that the error names, if `maxBytes` is only the remainder of it.
 * @throws DialError `proxy_rejected` when the proxy closes the connection first or the head exceeds `maxBytes`.
 */
export function readHead(
  socket: Socket,
  headLength: (bytes: Buffer) => number | undefined,
  maxBytes: number,
  limit = maxBytes,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const collected = new CollectedBytes();
    const end = () => {
      socket.removeListener("readable", onReadable);
      socket.removeListener("error", onError);
      socket.removeListener("end", onEnd);
      socket.removeListener("close", onEnd);
    };
    const onError = (error: Error) => {
      end();
      reject(error);
    };
    const onEnd = () => onError(new DialError("the proxy closed the connection", { reason: "proxy_rejected" }));
    const onReadable = () => {
      for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
        collected.add(chunk);
        const { bytes } = collected;
        const length = headLength(bytes);
        if (length !== undefined && length <= maxBytes) {
          end();
          if (bytes.length > length) socket.unshift(bytes.subarray(length));
          resolve(bytes.subarray(0, length));
          return;
        }
        if (bytes.length > maxBytes) {
          onError(new DialError(`the proxy's answer exceeds ${limit} bytes`, { reason: "proxy_rejected" }));
          return;
        }
      }
    };
    // The connection may have ended before this call.
    if (socket.destroyed || socket.readableEnded) {
      if (socket.errored) onError(socket.errored);
      else onEnd();
      return;
    }
    socket.on("error", onError);
    socket.on("end", onEnd);
    socket.on("close", onEnd);
    socket.on("readable", onReadable);
  });
}
