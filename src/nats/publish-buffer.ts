import { invalid, show } from "../support/validate.ts";

/** Thrown by `publish` while there is no connection if the buffer is full or `reconnectBufSize` is -1. */
export class ReconnectBufferError extends Error {
  override readonly name = "ReconnectBufferError";
  /** Limit of the buffer in bytes; 0 if buffering is off. */
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

/** Encoded messages that were published while there was no connection, up to a limit in bytes. */
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

  /** @throws ReconnectBufferError if the message does not fit. */
  add(message: Uint8Array): void {
    if (this.#size + message.length > this.limitBytes) throw new ReconnectBufferError(this.limitBytes);
    // Copied, because the publisher may reuse its arrays before the message is sent.
    this.#waiting.push(message.slice());
    this.#size += message.length;
  }

  /** Returns the buffered messages in order and empties the buffer. */
  take(): Uint8Array {
    const all = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#size = 0;
    return all;
  }
}
