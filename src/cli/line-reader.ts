import type { Duplex } from "node:stream";
import { DialError } from "../core/errors.ts";

/** Longest line, in bytes. */
const maxLineBytes = 1024 * 1024;
const lineFeed = 10;

/** Reads the lines of a peer. Errors and the end of the connection reject a pending `next()`. */
export class LineReader {
  readonly #conn: Duplex;
  #rest: Buffer;
  #failure: Error | undefined = undefined;
  #wake: () => void = () => {};

  /** @param received - bytes of `conn` that were read before. */
  constructor(conn: Duplex, received: Uint8Array = Buffer.alloc(0)) {
    this.#conn = conn;
    this.#rest = Buffer.from(received);
    conn.on("data", this.#onData).on("error", this.#onError).on("end", this.#onEnd).on("close", this.#onEnd);
  }

  /**
   * Resolves with the next line, without its end.
   *
   * @throws DialError `handshake_closed` if the connection ends first, `protocol` for a line of more than a megabyte;
   * the error of the connection.
   */
  async next(): Promise<string> {
    for (;;) {
      const end = this.#rest.indexOf(lineFeed);
      if (end >= 0) {
        const line = this.#rest.toString("utf8", 0, end).replace(/\r$/, "");
        this.#rest = this.#rest.subarray(end + 1);
        return line;
      }
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#rest.length > maxLineBytes) {
        throw new DialError(`the server's line exceeds ${maxLineBytes} bytes`, { reason: "protocol" });
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Stops reading. A later error of the connection has no effect. */
  end(): void {
    this.#conn.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#onEnd);
    this.#conn.pause();
  }

  readonly #onData = (bytes: Buffer) => {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    this.#wake();
  };

  readonly #onError = (error: Error) => {
    this.#failure ??= error;
    this.#wake();
  };

  readonly #onEnd = () => {
    this.#failure ??= new DialError("the server closed the connection", { reason: "handshake_closed" });
    this.#wake();
  };
}
