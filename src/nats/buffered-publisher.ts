import type { Payload, ProtocolHandler, PublishOptions, ServerInfo } from "@nats-io/transport-node";
import type { Lifecycle } from "./lifecycle.ts";
import type { NatsLibrary } from "./nats-library.ts";
import { type PublishBuffer, ReconnectBufferError } from "./publish-buffer.ts";

/** Publishes messages: on the connection, or into the buffer while there is none. */
export class BufferedPublisher {
  /** The last INFO. Its limits apply to messages that are published while there is no connection. */
  lastInfo: ServerInfo | undefined;
  readonly #library: NatsLibrary;
  readonly #handler: ProtocolHandler;
  readonly #publish: ProtocolHandler["publish"];
  readonly #buffer: PublishBuffer;
  readonly #lifecycle: Lifecycle;

  /** @param publish - the handler's own method, which writes to its `outbound` buffer. */
  constructor(
    library: NatsLibrary,
    handler: ProtocolHandler,
    publish: ProtocolHandler["publish"],
    buffer: PublishBuffer,
    lifecycle: Lifecycle,
  ) {
    this.#library = library;
    this.#handler = handler;
    this.#publish = publish;
    this.#buffer = buffer;
    this.#lifecycle = lifecycle;
  }

  /** @throws ReconnectBufferError if there is no connection and the message does not fit into the buffer. */
  publish(subject: string, payload?: Payload, options?: PublishOptions): void {
    const { connected, _closed: closed } = this.#handler;
    if (connected || closed) this.#publish(subject, payload, options);
    else this.#addToBuffer(subject, payload, options);
  }

  /** Returns the buffered messages as they are to be sent, or `undefined` if there are none. */
  takeBuffered(): Uint8Array | undefined {
    return this.#buffer.size > 0 ? this.#buffer.take() : undefined;
  }

  /** Encodes a message with the handler's own method, into a separate buffer. */
  #addToBuffer(subject: string, payload: Payload | undefined, options: PublishOptions | undefined): void {
    const handler = this.#handler;
    const { outbound, info, outMsgs, outBytes } = handler;
    const encoded = new this.#library.DataBuffer();
    handler.outbound = encoded;
    handler.info = this.lastInfo as ServerInfo;
    try {
      this.#publish(subject, payload, options);
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
