import { invalid, show } from "../support/validate.ts";

/** A message could not wait for a connection: the buffer was full, or `reconnectBufSize` is -1. */
export class ReconnectBufferError extends Error {
  override readonly name = "ReconnectBufferError";
  /** The bound of the buffer, in bytes; 0 where it is off. */
  readonly limitBytes: number;

  constructor(limitBytes: number) {
    super(
      limitBytes === 0
        ? "publish: not connected, and buffering is off"
        : `publish: not connected, and the buffer of ${limitBytes} bytes is full`,
    );
    this.limitBytes = limitBytes;
  }
}

/** Messages published while there is no connection, as they will be written, up to a bound in bytes. */
export class PublishBuffer {
  readonly limitBytes: number;
  #waiting: Uint8Array[] = [];
  #size = 0;

  /** @param size - the option `reconnectBufSize`. */
  constructor(size: unknown = 8 * 1024 * 1024) {
    if (!Number.isSafeInteger(size) || (size as number) < -1) {
      throw invalid(
        RangeError,
        `connect: reconnectBufSize must be a number of bytes, or -1 for none, got ${show(size)}`,
      );
    }
    this.limitBytes = Math.max(0, size as number);
  }

  get size(): number {
    return this.#size;
  }

  /** @throws ReconnectBufferError when the message doesn't fit. */
  add(message: Uint8Array): void {
    if (this.#size + message.length > this.limitBytes) throw new ReconnectBufferError(this.limitBytes);
    // Copied: until it is sent, the publisher may use its arrays for something else.
    this.#waiting.push(message.slice());
    this.#size += message.length;
  }

  /** Hands out what has waited, in order, and is empty then. */
  take(): Uint8Array {
    const all = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#size = 0;
    return all;
  }
}
