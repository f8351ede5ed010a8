import { systemClock } from "../async/clock.ts";
import type { ClientEvents } from "../client/client-events.ts";
import type { ClientState, DisconnectReason, ServerIdentity } from "../client/client-trace.ts";
import type { ConnClosedInfo } from "../core/trace.ts";
import { ClientClosedError } from "./closed-error.ts";

/** Reasons of a disconnect that this side wanted. */
const wanted: ReadonlySet<DisconnectReason> = new Set(["local", "drain", "forced"]);

/**
 * The life of one client, as it truly goes: taken from the socket's own close and the client's dials,
 * not from the names of status events, which mislead (`staleConnection` also means expired credentials).
 */
export class Lifecycle {
  readonly events: ClientEvents;
  readonly #reconnects: () => boolean;
  readonly #lostError: (message: string) => Error;
  #server = "";
  #lostAt = 0;
  #attempts = 0;
  /** Why the connection is about to end, when the client or the server has said so. */
  #cause: { readonly reason: DisconnectReason; readonly error: unknown } | undefined;
  #ended: unknown;
  #connectedOnce = false;
  #drainCutShort = false;
  #lastError: unknown;
  #lossError: Error | undefined;

  /**
   * @param reconnects - whether a lost connection will be replaced.
   * @param lostError - makes the error of a loss for which there is none.
   */
  constructor(events: ClientEvents, reconnects: () => boolean, lostError: (message: string) => Error) {
    this.events = events;
    this.#reconnects = reconnects;
    this.#lostError = lostError;
  }

  get state(): ClientState {
    return this.events.state;
  }

  get connectedOnce(): boolean {
    return this.#connectedOnce;
  }

  /** Whether the connection was lost before a drain was done with it. */
  get drainCutShort(): boolean {
    return this.#drainCutShort;
  }

  /** What went wrong last since the connection stood: what it was lost for, an attempt failed or the client closed with. */
  get lastError(): unknown {
    return this.#lastError;
  }

  /** What the last connection was lost for; `undefined` while it stands, and when this side has ended it. */
  get lossError(): Error | undefined {
    return this.#lossError;
  }

  /** An attempt has failed, or a server has reported an error. */
  failed(error: unknown): void {
    this.#lastError = error;
  }

  /** Told of each dial before it begins. Throws when the client was closed meanwhile. */
  dialing(server: string): void {
    this.throwIfEnded();
    this.#server = server;
    this.#attempts += 1;
    if (this.#connectedOnce) this.events.emit("reconnectAttempt", { server, attempt: this.#attempts });
  }

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

  /** The first cause decides: what follows it (a stale connection after expired credentials) is its effect. */
  expectDisconnect(reason: DisconnectReason, error?: unknown): void {
    this.#cause ??= { reason, error };
  }

  connectionClosed({ reason, error }: ConnClosedInfo): void {
    const draining = this.state === "draining";
    if (!draining && this.state !== "connected") return;
    this.#lostAt = systemClock.now();
    this.#drainCutShort = draining && reason !== "local";
    const info = {
      server: this.#server,
      reason: draining && reason === "local" ? ("drain" as const) : (this.#cause?.reason ?? reason),
      error: error ?? this.#cause?.error,
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

  /** From here on a lost connection is not replaced, and no dial is begun. */
  closing(error: unknown): void {
    this.#ended ??= error;
    if (!(error instanceof ClientClosedError)) this.#lastError = error;
  }

  throwIfEnded(): void {
    if (this.#ended !== undefined) throw this.#ended;
  }
}
