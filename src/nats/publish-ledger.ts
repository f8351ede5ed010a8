/** Messages of a client that subscribers may not have received. */
export interface LostMessages {
  /** Messages that were buffered and never sent. */
  readonly dropped: number;
  /** Messages that were sent, or about to be sent, on a connection that ended before a PONG confirmed them. */
  readonly unconfirmed: number;
}

/**
 * The messages of one client that no PONG of a server has confirmed. The client's own count of published messages is read
 * when a PING is sent, when a PONG arrives and when a connection ends, so a message costs nothing.
 *
 * A server answers PINGs in order, and after it has read everything before them.
 *
 * @see https://docs.nats.io/reference/reference-protocols/nats-protocol#ping-pong
 */
export class PublishLedger {
  readonly #client: { readonly outMsgs: number };
  /** The first messages, up to this number, are confirmed or counted as lost. */
  #settled = 0;
  /** For each PING without a PONG, the number of messages sent before it. */
  #pings: number[] = [];
  /** Whether the messages that are not settled are sent on a connection, rather than buffered. */
  #sending = false;
  #ofLastConnection = 0;
  #dropped = 0;
  #unconfirmed = 0;

  /** @param client - its `outMsgs` counts the messages published so far, including buffered messages. */
  constructor(client: { readonly outMsgs: number }) {
    this.#client = client;
  }

  /** The messages lost so far. */
  get lost(): LostMessages {
    return { dropped: this.#dropped, unconfirmed: this.#unconfirmed };
  }

  /** Messages of the last connection that were unconfirmed when it ended. */
  get ofLastConnection(): number {
    return this.#ofLastConnection;
  }

  /** Records that a dial begins. The PING after its CONNECT confirms no message. */
  dialing(): void {
    this.disconnected();
    this.#pings = [this.#settled];
  }

  /** Records that buffered messages are sent on a new connection, before any PING that waits to be sent. */
  sending(): void {
    this.#sending = true;
    this.#ofLastConnection = 0;
    this.#pings.fill(this.#client.outMsgs);
  }

  /** Records a PING after the messages that were published before. */
  pinged(): void {
    this.#pings.push(this.#client.outMsgs);
  }

  /** Records the answer to the oldest PING. */
  ponged(): void {
    this.#settled = Math.max(this.#settled, this.#pings.shift() ?? 0);
  }

  /** Records that the connection has ended. Messages published from now on are buffered. */
  disconnected(): void {
    this.#pings = [];
    if (!this.#sending) return;
    this.#sending = false;
    this.#ofLastConnection = this.#client.outMsgs - this.#settled;
    this.#unconfirmed += this.#ofLastConnection;
    this.#settled = this.#client.outMsgs;
  }

  /** Records that the client has closed. Messages that are still buffered are dropped. */
  closed(): void {
    this.disconnected();
    this.#dropped += this.#client.outMsgs - this.#settled;
    this.#settled = this.#client.outMsgs;
  }
}
