import { systemClock } from "../async/clock.ts";
import type { ClientEvents } from "../client/client-events.ts";
import type { ClientState, DisconnectReason, ServerIdentity } from "../client/client-trace.ts";
import type { ConnClosedInfo } from "../core/trace.ts";
import { ClientClosedError } from "./closed-error.ts";

/** Reasons of a disconnect that this side has requested. */
const wanted: ReadonlySet<DisconnectReason> = new Set(["local", "drain", "forced"]);

/**
 * The state of one client and the events of its changes. They are derived from dials and from the socket's own close, not
 * from the client's statuses, which can mislead (`staleConnection` also means expired credentials).
 */
export class Lifecycle {
  readonly events: ClientEvents;
  readonly #reconnects: () => boolean;
  readonly #lostError: (message: string) => Error;
  #server = "";
  #lostAt = 0;
  #attempts = 0;
  /** Why the connection is about to end, if the client or the server has announced it. */
  #cause: { readonly reason: DisconnectReason; readonly error: unknown } | undefined;
  #ended: unknown;
  #connectedOnce = false;
  #drainCutShort = false;
  #lastError: unknown;
  #lossError: Error | undefined;

  /**
   * @param reconnects - whether a lost connection will be replaced.
   * @param lostError - creates the error of a loss that has none.
   */
  constructor(events: ClientEvents, reconnects: () => boolean, lostError: (message: string) => Error) {
    this.events = events;
    this.#reconnects = reconnects;
    this.#lostError = lostError;
  }

  get state(): ClientState {
    return this.events.state;
  }

  /** Whether the client has ever been connected. */
  get connectedOnce(): boolean {
    return this.#connectedOnce;
  }

  /** Whether the connection was lost before a drain had completed. */
  get drainCutShort(): boolean {
    return this.#drainCutShort;
  }

  /** The last failure since the connection was established: a loss, a failed attempt, or the error that closed the client. */
  get lastError(): unknown {
    return this.#lastError;
  }

  /** Why the last connection was lost; `undefined` while connected, and if this side has ended it. */
  get lossError(): Error | undefined {
    return this.#lossError;
  }

  /** Records the error of a failed attempt, or one that a server has reported. */
  failed(error: unknown): void {
    this.#lastError = error;
  }

  /** Records a dial that is about to begin. Throws if the client was closed meanwhile. */
  dialing(server: string): void {
    this.throwIfEnded();
    this.#server = server;
    this.#attempts += 1;
    if (this.#connectedOnce) this.events.emit("reconnectAttempt", { server, attempt: this.#attempts });
  }

  /** Records that a dial has succeeded. Throws if the client was closed meanwhile. */
  connected(identity: ServerIdentity): void {
    this.throwIfEnded();
    const server = this.#server;
    const attempts = this.#attempts;
    const first = !this.#connectedOnce;
    this.#connectedOnce = true;
    this.#attempts = 0;
    this.#cause = undefined;
    this.#lastError = undefined;
    this.#lossError = undefined;
    this.events.enter("connected");
    if (first) this.events.emit("connect", { server, identity });
    else {
      const outageMs = systemClock.now() - this.#lostAt;
      this.events.emit("reconnect", { server, identity, outageMs, attempts });
    }
  }

  /** Records why the connection is about to end. Only the first cause counts: a later one is its effect. */
  expectDisconnect(reason: DisconnectReason, error?: unknown): void {
    this.#cause ??= { reason, error };
  }

  /** @param unconfirmed - messages of the connection that no PONG has confirmed. */
  connectionClosed({ reason, error }: ConnClosedInfo, unconfirmed: number): void {
    const draining = this.state === "draining";
    if (!draining && this.state !== "connected") return;
    this.#lostAt = systemClock.now();
    this.#drainCutShort = draining && reason !== "local";
    const info = {
      server: this.#server,
      reason: draining && reason === "local" ? ("drain" as const) : (this.#cause?.reason ?? reason),
      error: error ?? this.#cause?.error,
      unconfirmed,
    };
    if (!wanted.has(info.reason)) {
      const message = `the connection to ${info.server} was lost: ${info.reason}`;
      this.#lossError = (info.error as Error | undefined) ?? this.#lostError(message);
      this.#lastError = this.#lossError;
    }
    this.#cause = undefined;
    if (!draining && this.#ended === undefined && this.#reconnects()) this.events.enter("reconnecting");
    this.events.emit("disconnect", info);
  }

  draining(): void {
    this.events.enter("draining");
  }

  /** Records the end of the client: no further dial begins. */
  closing(error: unknown): void {
    this.#ended ??= error;
    if (!(error instanceof ClientClosedError)) this.#lastError = error;
  }

  throwIfEnded(): void {
    if (this.#ended !== undefined) throw this.#ended;
  }
}
