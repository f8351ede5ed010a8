import type { Socket } from "node:net";
import { DialError } from "../core/errors.ts";
import { readHead as readHeadOf } from "../support/read-head.ts";

/**
 * Reads the head of a proxy's response. Bytes after the head are put back, to be read from the socket. No listener is left.
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
  return readHeadOf(socket, headLength, maxBytes, {
    closed: () => new DialError("the proxy closed the connection", { reason: "proxy_rejected" }),
    tooLong: () => new DialError(`the proxy's response exceeds ${limit} bytes`, { reason: "proxy_rejected" }),
  });
}
