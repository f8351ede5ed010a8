import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { CollectedBytes } from "../support/collected-bytes.ts";

/** Maximum number of bytes read from a client before its connection exists. The kernel buffers the rest. */
const maxBytes = 64 * 1024;

/** Reads what a client sends while its dial is in progress: a socket that is not read does not report its end. */
export class EarlyBytes {
  readonly #client: Socket;
  readonly #collected = new CollectedBytes();
  readonly #onEnd: () => void;

  /** @param onEnd - called with the number of bytes sent when the client has ended its side. */
  constructor(client: Socket, onEnd: (sentBytes: number) => void) {
    this.#client = client;
    this.#onEnd = () => onEnd(this.#collected.size);
    if (client.readableEnded) {
      onEnd(0);
      return;
    }
    client.on("end", this.#onEnd);
    client.on("readable", this.#read);
  }

  /** Stops reading, and writes what was read to `conn`. */
  passTo(conn: Duplex): void {
    this.stop();
    if (this.#collected.size > 0) conn.write(this.#collected.bytes);
  }

  /** Stops reading. */
  stop(): void {
    this.#client.removeListener("end", this.#onEnd);
    this.#client.removeListener("readable", this.#read);
  }

  readonly #read = () => {
    for (let chunk = this.#client.read() as Buffer | null; chunk !== null; chunk = this.#client.read()) {
      this.#collected.add(chunk);
      if (this.#collected.size < maxBytes) continue;
      this.#client.removeListener("readable", this.#read);
      return;
    }
  };
}
