import type { Socket } from "node:net";
import { CollectedBytes } from "./collected-bytes.ts";

/** The errors of {@link readHead}. */
export interface HeadErrors {
  /** The peer closed the connection before the end of the head. */
  readonly closed: () => Error;
  /** The head exceeds the maximum length. */
  readonly tooLong: () => Error;
}

/**
 * Reads the head of a peer's message. Bytes after the head are put back, to be read from the socket. No listener is
 * left. Rejects with one of `errors`, or with the error of the socket.
 *
 * @param headLength - returns the length of the head in the bytes received so far, or `undefined` while it is incomplete.
 * @param maxBytes - maximum length of the head.
 */
export function readHead(
  socket: Socket,
  headLength: (bytes: Buffer) => number | undefined,
  maxBytes: number,
  errors: HeadErrors,
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
    const onEnd = () => onError(errors.closed());
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
          onError(errors.tooLong());
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
