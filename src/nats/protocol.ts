import type {
  ConnectionOptions,
  Deferred,
  Payload,
  ProtocolHandler,
  PublishOptions,
  ServerInfo,
  Status,
} from "@nats-io/transport-node";
import { systemClock } from "../async/clock.ts";
import { Deadline } from "../async/deadline.ts";
import { classify } from "../core/classify.ts";
import type { Dialer } from "../core/dialer.ts";
import { handled } from "../support/handled.ts";
import { cleanError } from "../support/printable.ts";
import { SentSecrets } from "../support/sent-secrets.ts";
import { maxTimerMs } from "../support/validate.ts";
import { ClientClosedError } from "./closed-error.ts";
import type { FileCredentials } from "./credentials.ts";
import { DialLoop } from "./dial-loop.ts";
import { errorKind } from "./error-kind.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { type Connection, ensureTransportFactory, type Upstream } from "./nats-library.ts";
import { type PublishBuffer, ReconnectBufferError } from "./publish-buffer.ts";
import type { ReconnectDelay } from "./reconnect-delay.ts";
import { Refusals } from "./refusals.ts";
import { cleanParser } from "./sent-credentials.ts";
import { addressesOf, ServerChanges } from "./server-changes.ts";
import { ServerPool } from "./server-pool.ts";
import type { ConfiguredServer } from "./servers.ts";
import { readStatus } from "./status.ts";
import { withStockCause } from "./stock-cause.ts";
import { type DialedTransport, dialedTransport } from "./transport.ts";

/** The client's own `timeout` for each server, where none is given. */
const defaultTimeoutMs = 20_000;

/** What a client is made of besides upstream's options. */
export interface ClientParts {
  readonly dialer: Dialer;
  readonly lifecycle: Lifecycle;
  readonly buffer: PublishBuffer;
  readonly credentials: FileCredentials | undefined;
  /** Waits before each attempt but the very first. */
  readonly delay: ReconnectDelay;
  readonly servers: readonly ConfiguredServer[];
}

/** The client's protocol handler, over a dialer. */
export interface DialedProtocol extends ProtocolHandler {
  readonly pool: ServerPool;
}

export type DialedProtocolClass = new (
  options: ConnectionOptions,
  nc: Connection,
  parts: ClientParts,
) => DialedProtocol;

/**
 * Makes of a client's protocol handler one that is pinned to transports over a dialer. Upstream asks one
 * factory, global to the process, for a transport at every connect, so a plain `connect()` elsewhere
 * would replace ours at the next reconnect; here whatever it assigns becomes one of ours.
 */
export function dialedProtocol(upstream: Upstream): DialedProtocolClass {
  const Transport = dialedTransport(upstream);
  return class DialedProtocol extends upstream.ProtocolHandler {
    readonly pool: ServerPool;
    readonly #parts: ClientParts;
    readonly #nc: Connection;
    readonly #closing = new AbortController();
    /** Whether there is a connection; upstream's `connected` is set a little before. */
    #established = false;
    readonly #changes: ServerChanges;
    #lameDuck = false;
    readonly #loop: DialLoop;
    readonly #refusals: Refusals;
    /** What servers may send back; a server may keep it for the next connection. */
    readonly #sent = new SentSecrets();
    #lastInfo: ServerInfo | undefined;
    /** The loss that ended a client without reconnects; what upstream's `closed()` tells is kept as it is. */
    #endedBy: Error | undefined;

    constructor(options: ConnectionOptions, nc: Connection, parts: ClientParts) {
      super(options, nc);
      this.#parts = parts;
      this.#nc = nc;
      this.#refusals = new Refusals(options, parts.credentials);
      this.#changes = new ServerChanges(parts.lifecycle);
      this.#loop = new DialLoop(this, parts.lifecycle, this.#closing.signal, {
        delay: parts.delay,
        minWaitMs: (server) => this.#refusals.minWaitMs(server),
      });
      this.pool = new ServerPool(this.servers, parts.servers, options.noRandomize !== true);
      const create = () => {
        // It may end a little after it was given up: the next, which has begun by then, is not to hear of it.
        const made: DialedTransport = new Transport(parts.dialer, parts.lifecycle, {
          sent: this.#sent,
          get timeoutMs() {
            return options.timeout || defaultTimeoutMs;
          },
          dialFailed: (error) => {
            if (made === transport) this.connectError?.(error);
          },
          // Upstream learns of it later, and what is published until then would be lost.
          connectionClosed: () => {
            if (made === transport) this.connected = false;
          },
        });
        return made;
      };
      // There is one from the start, so that a close before the first dial finds something to close.
      let transport = create();
      // On the instance: upstream declares the field, which would shadow an accessor of the class.
      Object.defineProperty(this, "transport", {
        get: () => transport,
        set: () => {
          transport = create();
        },
        enumerable: true,
      });
      // V8 turns an object whose property is redefined into a hash table, and back when it becomes a
      // prototype. Every message passes through this one.
      Object.create(this);
      // Before anyone else can wait for it, so that whoever does finds the state changed.
      void this.closed.then((error) => parts.lifecycle.events.close(error ?? this.#endedBy));
    }

    override dodialLoop(): Promise<void> {
      return this.#loop.run();
    }

    override async dial(server: Parameters<ProtocolHandler["dial"]>[0]): Promise<void> {
      const { lifecycle, credentials } = this.#parts;
      try {
        await credentials?.refresh();
        lifecycle.throwIfEnded();
        ensureTransportFactory(upstream);
        this.#refusals.dialing(server);
        await this.#connect(server);
      } catch (error) {
        if (this.#refusals.isFinal) this.abortReconnect = true;
        throw withStockCause(error, upstream);
      }
    }

    async #connect(server: Parameters<ProtocolHandler["dial"]>[0]): Promise<void> {
      try {
        await this.#dialInTime(server);
        // What comes with the PONG has been read, too.
        if (this.#refusals.current !== undefined) throw this.#refusals.current;
        const transport = this.transport as DialedTransport;
        await transport.welcomed();
        this.#parts.lifecycle.connected(transport.identity);
        this.#changes.connected();
      } catch (error) {
        this.connected = false;
        this.connectedOnce = this.#parts.lifecycle.connectedOnce;
        this.heartbeats.cancel();
        const transport = this.transport as DialedTransport;
        await transport.close(this.#refusals.current ?? (error as Error));
        throw transport.givenUpFor ?? error;
      }
      this.#established = true;
      this.#lameDuck = false;
      this.#refusals.accepted();
      // As in Go: neither is a later loss told by what servers have refused before, nor does it end the client.
      this.abortReconnect = false;
      Object.assign(this, { lastError: undefined });
    }

    /** Upstream's own timer fires before what has happened is seen, once the event loop was blocked: ours replaces it. */
    async #dialInTime(server: Parameters<ProtocolHandler["dial"]>[0]): Promise<void> {
      const { options } = this;
      const { timeout } = options;
      // Read at once, and not again.
      options.timeout = maxTimerMs;
      const dialing = super.dial(server);
      options.timeout = timeout as number;
      const transport = this.transport as DialedTransport;
      const deadline = new Deadline(systemClock, timeout || defaultTimeoutMs, (lateByMs) =>
        transport.timedOut(upstream.timeoutError(), lateByMs),
      );
      try {
        await dialing;
      } finally {
        deadline.clear();
      }
    }

    /** Upstream tells it of every transport that ends, those too that never became a connection. */
    override async disconnected(error?: Error): Promise<void> {
      if (!this.#established) return;
      this.#established = false;
      const why = error ?? this.#parts.lifecycle.lossError;
      this.#loop.lost(why);
      // What is being drained went with the connection: a new one could only repeat half of it.
      if (this.#nc.isDraining()) this.options.reconnect = false;
      if (!this.options.reconnect) this.#endedBy = why;
      // As upstream, `closed()` resolves to an error only where the socket has failed.
      await super.disconnected(error);
    }

    override processInfo(message: Uint8Array): void {
      if (this.infoReceived) super.processInfo(message);
      else (this.transport as DialedTransport).greeting(() => super.processInfo(message));
      this.#lastInfo = this.info;
    }

    override processError(message: Uint8Array): void {
      const text = Buffer.from(message).toString();
      const blanked = this.#blank(text);
      super.processError(blanked === text ? message : Buffer.from(blanked));
      // What a server says instead of PONG (that it is full, for one) is why it hangs up next.
      if (this.connectError !== undefined) this.connectError(this.lastError);
    }

    #blank(text: string): string {
      return (this.transport as DialedTransport).blank(text);
    }

    override resetOutbound(): void {
      super.resetOutbound();
      cleanParser(this.parser, (text) => this.#blank(text));
    }

    override publish(subject: string, payload?: Payload, options?: PublishOptions): void {
      if (this.connected || this._closed) super.publish(subject, payload, options);
      else this.#buffer(subject, payload, options);
    }

    #buffer(subject: string, payload: Payload | undefined, options: PublishOptions | undefined): void {
      const { outbound, info, outMsgs, outBytes } = this;
      const { buffer, lifecycle } = this.#parts;
      const message = new upstream.DataBuffer();
      this.outbound = message;
      // The limits of the server that was lost hold until another is reached.
      this.info = this.#lastInfo as ServerInfo;
      try {
        super.publish(subject, payload, options);
        buffer.add(message.drain());
      } catch (error) {
        this.outMsgs = outMsgs;
        this.outBytes = outBytes;
        if (error instanceof ReconnectBufferError)
          lifecycle.events.emit("publishRejected", { limitBytes: error.limitBytes });
        throw error;
      } finally {
        this.outbound = outbound;
        this.info = info as ServerInfo;
      }
    }

    /** The first that is sent on a new connection; what has waited for it comes next. */
    override sendSubscriptions(): void {
      if (this.#refusals.current !== undefined) return;
      super.sendSubscriptions();
      const { buffer } = this.#parts;
      if (buffer.size > 0) this.transport.send(buffer.take());
    }

    override flush(pong?: Deferred<void>): Promise<void> {
      // Upstream would wait for an answer for ever.
      return handled(this._closed ? Promise.reject(upstream.closedError()) : super.flush(pong));
    }

    /** The server answers no more, or has said that the credentials have expired. */
    override disconnect(): void {
      this.dispatchStatus(upstream.staleStatus);
      (this.transport as DialedTransport).destroy();
    }

    /** Every error that the server reports; the status of `nats` 2.x has only its code. */
    override handleError(error: Error): void {
      cleanError(error);
      const { lifecycle } = this.#parts;
      const kind = errorKind(error);
      if (kind === "auth") {
        this.#refusals.add(error, (this.transport as DialedTransport).clientCertificate);
        const expired = classify(error) === "auth_expired";
        lifecycle.expectDisconnect(expired ? "auth_expired" : "error", error);
      }
      lifecycle.failed(error);
      lifecycle.events.emit("error", { kind, error });
      super.handleError(error);
    }

    override dispatchStatus(status: Status): void {
      this.#observe(readStatus(status));
      super.dispatchStatus(status);
    }

    #observe(status: Status): void {
      const { lifecycle } = this.#parts;
      const { events } = lifecycle;
      const server = this.servers.getCurrentServer()?.listen ?? "";
      switch (status.type) {
        case "forceReconnect":
          lifecycle.expectDisconnect("forced");
          events.emit("forcedReconnect", { server });
          break;
        case "staleConnection":
          // Upstream says so, too, when the credentials have expired or were revoked.
          if (this.#refusals.current !== undefined) break;
          lifecycle.expectDisconnect("stale");
          events.emit("stale", { server });
          break;
        case "ldm":
          // It comes with every INFO from then on.
          if (this.#lameDuck) break;
          this.#lameDuck = true;
          lifecycle.expectDisconnect("lame_duck");
          events.emit("lameDuck", { server });
          break;
        case "update": {
          const { added = [], deleted: removed = [] } = status;
          this.#changes.changed(added, removed, addressesOf(this.info, (this.transport as DialedTransport).socket));
          break;
        }
        case "slowConsumer":
          events.emit("slowConsumer", { pending: status.pending });
          break;
      }
    }

    override async close(error?: Error): Promise<void> {
      if (this._closed) return;
      const why = error ?? new ClientClosedError();
      this.#parts.lifecycle.closing(why);
      this.#closing.abort();
      this.abortReconnect = true;
      (this.transport as DialedTransport).giveUp(why);
      await super.close(error);
      // Whoever waits for a flush would wait for ever.
      this.resetOutbound();
    }
  };
}
