import type { ConnectionOptions, ProtocolHandler } from "@nats-io/transport-node";
import { systemClock } from "../async/clock.ts";
import { Deadline } from "../async/deadline.ts";
import { classify } from "../core/classify.ts";
import { handled } from "../support/handled.ts";
import { cleanError } from "../support/printable.ts";
import { SentSecrets } from "../support/sent-secrets.ts";
import { maxTimerMs } from "../support/validate.ts";
import { BufferedPublisher } from "./buffered-publisher.ts";
import type { ClientParts } from "./client-parts.ts";
import { ClientClosedError } from "./closed-error.ts";
import { DialLoop } from "./dial-loop.ts";
import { errorKind } from "./error-kind.ts";
import { type Connection, ensureTransportFactory, type NatsLibrary } from "./nats-library.ts";
import { overrideMethods, pinTransport } from "./patch.ts";
import { Refusals } from "./refusals.ts";
import { cleanParser } from "./sent-credentials.ts";
import { ServerChanges } from "./server-changes.ts";
import { ServerPool } from "./server-pool.ts";
import { StatusEvents } from "./status-events.ts";
import { withStockCause } from "./stock-cause.ts";
import { DialedTransport } from "./transport.ts";

type Server = Parameters<ProtocolHandler["dial"]>[0];
type ReplacedMethods = Pick<
  ProtocolHandler,
  | "dodialLoop"
  | "dial"
  | "disconnected"
  | "processInfo"
  | "processError"
  | "processPong"
  | "resetOutbound"
  | "publish"
  | "sendSubscriptions"
  | "flush"
  | "disconnect"
  | "handleError"
  | "dispatchStatus"
  | "close"
>;

/** The library's default for `timeout`, in milliseconds for each server. */
export const defaultTimeoutMs = 20_000;

/** Runs the library's protocol handler over a dialer. */
export class DialedProtocol {
  /** The library's handler, with its dialing, publishing and error handling replaced. */
  readonly handler: ProtocolHandler;
  readonly pool: ServerPool;
  readonly publisher: BufferedPublisher;
  readonly #library: NatsLibrary;
  readonly #stock: ReplacedMethods;
  readonly #parts: ClientParts;
  readonly #nc: Connection;
  readonly #closing = new AbortController();
  readonly #changes: ServerChanges;
  readonly #statuses: StatusEvents;
  readonly #loop: DialLoop;
  readonly #refusals: Refusals;
  /** Credentials that servers may repeat in errors, also on a later connection. */
  readonly #sent = new SentSecrets();
  #transport: DialedTransport;
  /** Whether there is a connection. The library sets its own `connected` slightly earlier. */
  #established = false;
  /** The loss that ended a client without reconnects. The library's `closed()` does not report it. */
  #endedBy: Error | undefined;

  constructor(library: NatsLibrary, options: ConnectionOptions, nc: Connection, parts: ClientParts) {
    const { lifecycle, buffer } = parts;
    this.#library = library;
    this.#nc = nc;
    this.#parts = parts;
    this.handler = new library.ProtocolHandler(options, nc);
    this.#stock = overrideMethods<ProtocolHandler, keyof ReplacedMethods>(this.handler, this.#overrides());
    this.#refusals = new Refusals(options, parts.credentials);
    this.publisher = new BufferedPublisher(library, this.handler, this.#stock, buffer, lifecycle);
    this.#changes = new ServerChanges(lifecycle);
    this.#statuses = new StatusEvents(lifecycle, this.#changes);
    this.#loop = new DialLoop(this.handler, lifecycle, this.#closing.signal, {
      delay: parts.delay,
      minWaitMs: (server) => this.#refusals.minWaitMs(server),
    });
    this.pool = new ServerPool(this.handler.servers, parts.servers, options.noRandomize !== true);
    // Made now, so that a close before the first dial finds a transport to close.
    this.#transport = this.#newTransport();
    pinTransport(
      this.handler,
      () => this.#transport.node,
      () => {
        this.#transport = this.#newTransport();
      },
    );
    // The first callback of `closed`, so that every other one finds the state changed.
    void this.handler.closed.then((error) => lifecycle.events.close(error ?? this.#endedBy, this.publisher.closed()));
  }

  /** Connects to a server, or rejects. */
  dialLoop(): Promise<void> {
    return this.handler.dialLoop();
  }

  /** Closes the client, ending a dial in progress. */
  async close(error?: Error): Promise<void> {
    const { handler } = this;
    if (handler._closed) return;
    const reason = error ?? new ClientClosedError();
    this.#parts.lifecycle.closing(reason);
    this.#closing.abort();
    handler.abortReconnect = true;
    this.#transport.giveUp(reason);
    await this.#stock.close(error);
    // Rejects pending flushes, which the library would leave pending.
    handler.resetOutbound();
  }

  #overrides(): ReplacedMethods {
    return {
      dodialLoop: () => this.#loop.run(),
      dial: (server) => this.#dial(server),
      disconnected: (error) => this.#disconnected(error),
      processInfo: (message) => this.#processInfo(message),
      processError: (message) => this.#processError(message),
      processPong: () => this.publisher.processPong(),
      resetOutbound: () => this.#resetOutbound(),
      publish: (subject, payload, options) => this.publisher.publish(subject, payload, options),
      sendSubscriptions: () => this.#sendSubscriptions(),
      flush: (pong) => handled(this.publisher.flush(pong)),
      disconnect: () => this.#disconnect(),
      handleError: (error) => this.#handleError(error),
      dispatchStatus: (status) => this.#dispatchStatus(status),
      close: (error) => this.close(error),
    };
  }

  #newTransport(): DialedTransport {
    const { handler } = this;
    const { options } = handler;
    const { dialer, lifecycle, validities } = this.#parts;
    // A transport may end after it was given up, when the next one is in use: that end is not reported.
    const isCurrent = () => transport === this.#transport;
    const transport: DialedTransport = new DialedTransport(this.#library, dialer, lifecycle, {
      sent: this.#sent,
      get timeoutMs() {
        return options.timeout || defaultTimeoutMs;
      },
      credentialsSent: (credentials, certificate) => validities.sent(credentials, certificate),
      dialFailed: (error) => {
        if (isCurrent()) handler.connectError?.(error);
      },
      connectionClosed: (info) => {
        // The library notices later, and would lose messages that are published in between.
        if (isCurrent()) this.publisher.disconnected();
        lifecycle.connectionClosed(info, this.publisher.unconfirmed);
      },
    });
    return transport;
  }

  async #dial(server: Server): Promise<void> {
    const { lifecycle, credentials } = this.#parts;
    try {
      await credentials?.refresh();
      lifecycle.throwIfEnded();
      ensureTransportFactory(this.#library);
      this.#refusals.dialing(server);
      await this.#connect(server);
    } catch (error) {
      if (this.#refusals.isFinal) this.handler.abortReconnect = true;
      throw withStockCause(error, this.#library);
    }
  }

  async #connect(server: Server): Promise<void> {
    const { handler } = this;
    const { lifecycle } = this.#parts;
    try {
      await this.#dialInTime(server);
      // An error that arrived together with PONG has been read by now, too.
      if (this.#refusals.current !== undefined) throw this.#refusals.current;
      const transport = this.#transport;
      await transport.pongReceived();
      lifecycle.connected(transport.identity);
      this.#changes.connected();
    } catch (error) {
      this.publisher.disconnected();
      handler.connectedOnce = lifecycle.connectedOnce;
      handler.heartbeats.cancel();
      const transport = this.#transport;
      await transport.close(this.#refusals.current ?? (error as Error));
      throw transport.givenUpFor ?? error;
    }
    this.#established = true;
    this.#statuses.connected();
    this.#refusals.accepted();
    // As in Go, earlier refusals neither explain a later loss nor end the client.
    handler.abortReconnect = false;
    Object.assign(handler, { lastError: undefined });
  }

  /** Replaces the library's own timer, which after a blocked event loop fires before sockets are read. */
  async #dialInTime(server: Server): Promise<void> {
    const { options } = this.handler;
    const { timeout } = options;
    // The library reads it at once, and only once.
    options.timeout = maxTimerMs;
    const dialing = this.#stock.dial(server);
    options.timeout = timeout as number;
    const transport = this.#transport;
    const deadline = new Deadline(systemClock, timeout || defaultTimeoutMs, (lateByMs) =>
      transport.timedOut(this.#library.timeoutError(), lateByMs),
    );
    try {
      await dialing;
    } finally {
      deadline.clear();
    }
  }

  /** The library calls it for every transport that ends, even one that never became a connection. */
  async #disconnected(error?: Error): Promise<void> {
    if (!this.#established) return;
    const { options } = this.handler;
    this.#established = false;
    const reason = error ?? this.#parts.lifecycle.lossError;
    this.#loop.lost(reason);
    // A drain cannot be completed on another connection.
    if (this.#nc.isDraining()) options.reconnect = false;
    if (!options.reconnect) this.#endedBy = reason;
    // As in the library, `closed()` resolves to an error only if the socket has failed.
    await this.#stock.disconnected(error);
  }

  #processInfo(message: Uint8Array): void {
    const { handler } = this;
    const process = () => this.#stock.processInfo(message);
    if (handler.infoReceived) process();
    else this.#transport.sendConnect(process);
    this.publisher.lastInfo = handler.info;
  }

  #processError(message: Uint8Array): void {
    const { handler } = this;
    const text = Buffer.from(message).toString();
    const blanked = this.#transport.blank(text);
    this.#stock.processError(blanked === text ? message : Buffer.from(blanked));
    // An error in place of PONG is the reason why the server closes the connection next.
    if (handler.connectError !== undefined) handler.connectError(handler.lastError);
  }

  /** The library's first step of each dial. */
  #resetOutbound(): void {
    this.#stock.resetOutbound();
    this.publisher.dialing();
    cleanParser(this.handler.parser, (text) => this.#transport.blank(text));
  }

  /** The library's first write on a new connection; buffered messages follow it. */
  #sendSubscriptions(): void {
    if (this.#refusals.current !== undefined) {
      // The dial fails next. Messages published meanwhile wait for the next connection.
      this.publisher.disconnected();
      return;
    }
    this.#stock.sendSubscriptions();
    this.publisher.sendBuffered((messages) => this.#transport.node.send(messages));
  }

  /** The server does not answer any more, or has reported that the credentials have expired. */
  #disconnect(): void {
    this.handler.dispatchStatus(this.#library.staleStatus);
    this.#transport.destroy();
  }

  /** Called for every error that the server reports; the status of `nats` 2.x has only its code. */
  #handleError(error: Error): void {
    cleanError(error);
    const { lifecycle } = this.#parts;
    const kind = errorKind(error);
    if (kind === "auth") {
      this.#refusals.add(error, this.#transport.clientCertificate?.fingerprint256);
      const expired = classify(error) === "auth_expired";
      lifecycle.expectDisconnect(expired ? "auth_expired" : "error", error);
    }
    lifecycle.failed(error);
    lifecycle.events.emit("error", { kind, error });
    this.#stock.handleError(error);
  }

  #dispatchStatus(status: Parameters<ProtocolHandler["dispatchStatus"]>[0]): void {
    const { servers, info } = this.handler;
    this.#statuses.emit(status, {
      server: servers.getCurrentServer()?.listen ?? "",
      info,
      socket: this.#transport.node.socket,
      isRefused: this.#refusals.current !== undefined,
    });
    this.#stock.dispatchStatus(status);
  }
}
