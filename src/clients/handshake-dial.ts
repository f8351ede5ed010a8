import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { classify } from "../core/classify.ts";
import type { Handshake, HandshakeContext } from "../core/dialer.ts";
import { DialError } from "../core/errors.ts";
import type { Reason } from "../core/reasons.ts";
import type { Target } from "../core/target.ts";
import { lazySocket } from "../lazy-socket/lazy-socket.ts";
import { handled } from "../support/handled.ts";
import { isError } from "../support/is-error.ts";
import { messageOf } from "../support/message.ts";
import { onDestroy } from "../support/on-destroy.ts";
import type { ClientDials, SocketOptions } from "./client-dials.ts";

/** The protocol of a client, and the reasons of its errors. */
export interface ClientProtocol {
  /** Name of the protocol, for spans. */
  readonly name: string;
  /** Returns the reason of the error of a failed handshake; `undefined` if the error does not show one. */
  reasonOf(error: Error): Reason | undefined;
}

type Beneath<C extends Duplex> = Pick<SocketOptions<C>, "handshake" | "event">;

/**
 * A dial that includes the client's own handshake: its {@link socket} is connected when the dial's phase `handshake`
 * begins, and the dial ends when the client is ready. A handshake that fails is not retried, because bytes were exchanged.
 */
export class HandshakeDial<C extends Duplex> {
  /** The socket for the client, which dials when `connect` is called on it. */
  readonly socket: Socket;
  readonly #dials: ClientDials<C>;
  readonly #protocol: ClientProtocol;
  readonly #handshake: Handshake<C> | undefined;
  readonly #abort = new AbortController();
  /** Settles as the dial does. */
  readonly #ended: Promise<unknown>;
  #follow: (dialed: Promise<unknown>) => void = () => {};
  /** Error of the dial if the socket closes and the client reports no error. */
  #end: Error = new DOMException("the client ended the connection while it was dialed", "AbortError");
  #target: Target | undefined;
  #setReady: () => void = () => {};
  #isConnecting = false;
  #isReady = false;
  /** Whether the client has received the connection. */
  #isAttached = false;

  /** @param beneath - what the socket needs before the client's handshake, such as TLS. */
  constructor(dials: ClientDials<C>, protocol: ClientProtocol, beneath: Beneath<C> = {}) {
    const { handshake = dials.options.handshake, event } = beneath;
    this.#dials = dials;
    this.#protocol = protocol;
    this.#handshake = handshake;
    this.#ended = handled(
      new Promise((resolve) => {
        this.#follow = resolve;
      }),
    );
    this.socket = lazySocket<C>((target) => this.#dial(target as Target), dials.target, {
      startOnConnect: true,
      event,
    });
    dials.add(this.socket, () => this.#isReady);
    onDestroy(this.socket, (error) => this.#destroyed(error));
  }

  /**
   * Calls `connect`, which calls back when the client is ready or has failed.
   *
   * @returns a promise that settles with the client's result, after the dial has ended.
   */
  connect(connect: (ended: (error?: Error | null) => void) => void): Promise<void> {
    // The client checks this too late, when it has already discarded the callback of the first call.
    if (this.#isConnecting)
      return Promise.reject(this.#dials.error("connect() can be called only once; create another client"));
    this.#isConnecting = true;
    return new Promise((resolve, reject) => {
      const settle = (error?: Error | null) =>
        void this.#ended.then(
          () => resolve(),
          (why) => reject(error ?? why),
        );
      // A client that was told to end may never call back.
      this.socket.once("close", () => setImmediate(settle));
      connect((error) => {
        if (error) this.#failed(error);
        else this.#ready();
        settle(error);
      });
    });
  }

  /** Cancels the dial if it has not ended. */
  giveUp(): void {
    if (this.#isConnecting && !this.#isReady) this.socket.destroy();
  }

  #ready(): void {
    this.#isReady = true;
    this.#setReady();
  }

  /** Resolves with the connection when the client is to begin its handshake on it. */
  #dial(target: Target): Promise<C> {
    this.#target = target;
    const { options, dialer } = this.#dials;
    return new Promise((resolve, reject) => {
      const abort = () => this.#canceled(options.signal?.reason);
      if (options.signal?.aborted) abort();
      options.signal?.addEventListener("abort", abort);
      const dialed = dialer(target, {
        ...options,
        ...this.#dials.nextOptions(),
        signal: this.#abort.signal,
        handshake: (conn, context) => this.#shakeHands(conn, context, resolve),
      });
      dialed
        .then(resolve, (error) => {
          if (this.#isAttached) this.socket.destroy(isError(error) ? error : undefined);
          else reject(error);
        })
        .finally(() => options.signal?.removeEventListener("abort", abort));
      this.#follow(dialed);
    });
  }

  async #shakeHands(opened: C, context: HandshakeContext, attach: (conn: C) => void): Promise<C> {
    const handshake = this.#handshake;
    const conn = handshake === undefined ? opened : await handshake(opened, context);
    context.describe({ name: this.#protocol.name });
    const { signal } = context;
    // Before the connection is destroyed, so that the client gets the reason, such as a timeout of the dialer.
    const abort = () => this.socket.destroy(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    await new Promise<void>((resolve) => {
      this.#setReady = resolve;
      this.#isAttached = true;
      attach(conn);
    });
    signal?.removeEventListener("abort", abort);
    return conn;
  }

  /**
   * Called when the socket closes before the client is ready. A close by the client cancels the dial; one by the server
   * fails it.
   */
  #destroyed(error: Error | null): void {
    if (this.#isReady || error instanceof DialError) return;
    if (error !== null && "syscall" in error) {
      const reason = classify(error);
      this.#end = this.#failure(error, reason === "canceled" ? "_OTHER" : reason);
    } else if (error === null && this.socket.readableEnded) {
      this.#end = this.#failure(new Error("the server closed the connection"), "handshake_closed");
    }
    const abort = () => this.#abort.abort(this.#end);
    // Deferred, because the client may report the cause next: it closes the socket when TLS has failed.
    if (this.#isAttached) this.socket.once("close", () => setImmediate(abort));
    else abort();
  }

  /** The client's handshake has failed. */
  #failed(error: Error): void {
    // The dial has already failed with this error.
    if (error instanceof DialError) return;
    const reason = this.#protocol.reasonOf(error);
    this.#abort.abort(reason === undefined ? this.#end : this.#failure(error, reason));
  }

  /** The caller's signal has ended the dial. */
  #canceled(reason: unknown): void {
    if (this.#isReady) return;
    if (this.#isAttached) this.socket.destroy(isError(reason) ? reason : undefined);
    this.#abort.abort(reason);
  }

  #failure(cause: Error, reason: Reason): DialError {
    const target = this.#target;
    return new DialError(`dial ${target}: ${messageOf(cause)}`, { reason, target, cause });
  }
}
