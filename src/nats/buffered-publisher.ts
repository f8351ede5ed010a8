import type { Payload, ProtocolHandler, PublishOptions, ServerInfo } from "@nats-io/transport-node";
import type { Lifecycle } from "./lifecycle.ts";
import type { NatsLibrary } from "./nats-library.ts";
import { type PublishBuffer, ReconnectBufferError } from "./publish-buffer.ts";
import { type LostMessages, PublishLedger } from "./publish-ledger.ts";

/** The methods of the library's handler that are replaced by those of {@link BufferedPublisher}. */
type StockMethods = Pick<ProtocolHandler, "publish" | "flush" | "processPong">;

/** Publishes messages: on the connection, or into the buffer while there is none. Counts those that are lost. */
export class BufferedPublisher {
  /** The last INFO. Its limits apply to messages that are published while there is no connection. */
  lastInfo: ServerInfo | undefined;
  readonly #library: NatsLibrary;
  readonly #handler: ProtocolHandler;
  readonly #stock: StockMethods;
  readonly #buffer: PublishBuffer;
  readonly #lifecycle: Lifecycle;
  readonly #ledger: PublishLedger;

  /** @param stock - the handler's own methods. Its `publish` writes to its `outbound` buffer. */
  constructor(
    library: NatsLibrary,
    handler: ProtocolHandler,
    stock: StockMethods,
    buffer: PublishBuffer,
    lifecycle: Lifecycle,
  ) {
    this.#library = library;
    this.#handler = handler;
    this.#stock = stock;
    this.#buffer = buffer;
    this.#lifecycle = lifecycle;
    this.#ledger = new PublishLedger(handler);
  }

  /** The messages lost so far. */
  get lost(): LostMessages {
    return this.#ledger.lost;
  }

  /** Messages of the last connection that were unconfirmed when it ended. */
  get unconfirmed(): number {
    return this.#ledger.ofLastConnection;
  }

  /** @throws ReconnectBufferError if there is no connection and the message does not fit into the buffer. */
  publish(subject: string, payload?: Payload, options?: PublishOptions): void {
    const { connected, _closed: closed } = this.#handler;
    if (connected || closed) this.#stock.publish(subject, payload, options);
    else this.#addToBuffer(subject, payload, options);
  }

  /** Sends a PING after the messages published so far. Resolves when the server has answered. */
  flush(pong: Parameters<ProtocolHandler["flush"]>[0]): Promise<void> {
    // The library would wait forever for the answer of a closed connection.
    if (this.#handler._closed) return Promise.reject(this.#library.closedError());
    this.#ledger.pinged();
    return this.#stock.flush(pong);
  }

  processPong(): void {
    this.#ledger.ponged();
    this.#stock.processPong();
  }

  /** Records that a dial begins. */
  dialing(): void {
    this.#ledger.dialing();
  }

  /** Sends the buffered messages on a new connection, before everything that the library sends. */
  sendBuffered(send: (messages: Uint8Array) => void): void {
    if (this.#buffer.size > 0) send(this.#buffer.take());
    this.#ledger.sending();
  }

  /** Records that there is no connection: messages are buffered from now on. */
  disconnected(): void {
    this.#handler.connected = false;
    this.#ledger.disconnected();
  }

  /** Records that the client has closed. Returns the messages lost in its life. */
  closed(): LostMessages {
    this.#ledger.closed();
    return this.#ledger.lost;
  }

  /** Encodes a message with the handler's own method, into a separate buffer. */
  #addToBuffer(subject: string, payload: Payload | undefined, options: PublishOptions | undefined): void {
    const handler = this.#handler;
    const { outbound, info, outMsgs, outBytes } = handler;
    const encoded = new this.#library.DataBuffer();
    handler.outbound = encoded;
    handler.info = this.lastInfo as ServerInfo;
    try {
      this.#stock.publish(subject, payload, options);
      this.#buffer.add(encoded.drain());
    } catch (error) {
      handler.outMsgs = outMsgs;
      handler.outBytes = outBytes;
      if (error instanceof ReconnectBufferError)
        this.#lifecycle.events.emit("publishRejected", { limitBytes: error.limitBytes });
      throw error;
    } finally {
      handler.outbound = outbound;
      handler.info = info as ServerInfo;
    }
  }
}
