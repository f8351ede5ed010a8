import type { Socket } from "node:net";
import { DialError } from "../core/errors.ts";
import type { Reason } from "../core/reasons.ts";
import type { ClientProtocol } from "./handshake-dial.ts";

/** An error reply of Redis that ends the connect of a client. */
interface Refusal {
  readonly reply: RegExp;
  readonly reason: Reason;
  /** Message of the error. The text of the reply is not used: it may repeat a password. */
  readonly message: string;
}

const refusals: readonly Refusal[] = [
  {
    reply: /^-(?:WRONGPASS|ERR invalid password)/m,
    reason: "auth_failed",
    message: "the server refused the password",
  },
  {
    reply: /^-(?:NOAUTH|ERR operation not permitted)/m,
    reason: "auth_failed",
    message: "the server requires a password",
  },
  { reply: /^-(?:NOPERM|DENIED)/m, reason: "auth_failed", message: "the server does not permit the client" },
  { reply: /^-ERR max number of clients/m, reason: "server_limit", message: "the server has too many clients" },
];

class RefusedError extends Error {
  readonly reason: Reason;

  constructor({ message, reason }: Refusal) {
    super(message);
    this.reason = reason;
  }
}

/** The protocol of Redis. */
export const redisProtocol: ClientProtocol = {
  name: "redis",
  reasonOf: (error) => (error instanceof RefusedError ? error.reason : undefined),
};

/**
 * Reads the server's replies to the handshake of ioredis on `socket`: ioredis reports to its connector only that the
 * handshake failed. Returns a function to call when the client is ready.
 */
export function followRedis(socket: Socket, ended: (error?: Error) => void): () => void {
  let refusal: Refusal | undefined;
  const onReply = (chunk: Buffer) => {
    refusal ??= refusals.find(({ reply }) => reply.test(chunk.toString("latin1")));
    // The server has replied before any command, and closes the connection. The client would not report why.
    if (refusal?.reason === "server_limit") socket.destroy(new DialError(refusal.message, refusal));
  };
  // Only now: an earlier listener would make the socket flow before the client has added its own.
  socket.once("connect", () => socket.on("data", onReply));
  socket.once("close", () => refusal && ended(new RefusedError(refusal)));
  return () => {
    refusal = undefined;
    socket.removeListener("data", onReply);
    ended();
  };
}
