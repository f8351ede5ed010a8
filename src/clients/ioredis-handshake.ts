import type { Socket } from "node:net";
import { DialError } from "../core/errors.ts";
import type { Reason } from "../core/reasons.ts";
import type { ClientHandshake } from "./early-connection.ts";

/** Error replies of Redis that end the connect of a client, with their reasons. Their text may repeat a password. */
const refusals: readonly (readonly [RegExp, Reason, string])[] = [
  [/^-(?:WRONGPASS|ERR invalid password)/m, "auth_failed", "the server refused the password"],
  [/^-(?:NOAUTH|ERR operation not permitted)/m, "auth_failed", "the server requires a password"],
  [/^-(?:NOPERM|DENIED)/m, "auth_failed", "the server does not permit the client"],
  [/^-ERR max(?:imum)? number of clients/m, "server_limit", "the server has too many clients"],
];

/** The handshake of ioredis on one connection. ioredis tells its connector how it ends, but not why. */
export class RedisHandshake {
  #steps: ClientHandshake | undefined;
  #refusal: (typeof refusals)[number] | undefined;

  /** Begins when `socket` is about to connect. Returns a function that stops reading the server's replies. */
  begin(steps: ClientHandshake, socket: Socket): () => void {
    this.#steps = steps;
    const onReply = (chunk: Buffer) => {
      this.#refusal ??= refusals.find(([pattern]) => pattern.test(chunk.toString("latin1")));
      // The server has answered before it was asked, and closes. The client would not tell its user why.
      if (this.#refusal?.[1] === "server_limit")
        socket.destroy(new DialError(this.#refusal[2], { reason: "server_limit" }));
    };
    // Not before: the socket would flow without the client's own listener.
    const onConnect = () => socket.on("data", onReply);
    socket.once("connect", onConnect);
    return () => {
      socket.removeListener("connect", onConnect);
      socket.removeListener("data", onReply);
    };
  }

  succeed(): void {
    this.#steps?.succeed();
  }

  /** The client disconnects: because of a refusal of the server, or by its user. */
  end(): void {
    if (this.#refusal === undefined) this.#steps?.cancel();
    else this.#steps?.fail(this.#refusal[1], this.#refusal[2]);
  }
}
