import type { Socket } from "node:net";
import { readHead } from "../support/read-head.ts";
import { refused } from "./refused-request.ts";

/** Maximum length of a client's message in bytes. */
const maxBytes = 16 * 1024;

/** Reads the next message of a client. Bytes after it can be read from the socket. */
export function readMessage(client: Socket, length: (bytes: Buffer) => number | undefined): Promise<Buffer> {
  return readHead(client, length, maxBytes, {
    closed: () => new Error("the client left"),
    tooLong: () => refused("protocol", `the client's request exceeds ${maxBytes} bytes`, undefined),
  });
}
