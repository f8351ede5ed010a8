import type { ClientState, ClientTrace, DisconnectReason } from "../core/client-trace.ts";
import { systemClock } from "../core/clock.ts";
import { callHook } from "../core/hooks.ts";
import type { ConnClosedInfo } from "../core/trace.ts";

/**
 * The life of one client, as it truly goes: taken from the socket's own close and the client's dials,
 * not from the names of status events, which mislead (`staleConnection` also means expired credentials).
 */
export class Lifecycle {
  readonly #trace: ClientTrace;
  readonly #reconnects: () => boolean;
  #state: ClientState = "connecting";
  #server = "";
  #lostAt = 0;
  /** Why the connection is about to end, when the client or the server has said so. */
  #cause: { readonly reason: DisconnectReason; readonly error: unknown } | undefined;
  #ended: unknown;
  #connectedOnce = false;

  /** @param reconnects - whether a lost connection will be replaced. */
  constructor(trace: ClientTrace, reconnects: () => boolean) {
    this.#trace = trace;
    this.#reconnects = reconnects;
    callHook(trace, "stateChange", { state: "connecting", previous: undefined });
  }

  get state(): ClientState {
    return this.#state;
  }

  get connectedOnce(): boolean {
    return this.#connectedOnce;
  }

  /** Told of each dial before it begins. Throws when the client was closed meanwhile. */
  dialing(server: string): void {
    if (this.#ended !== undefined) throw this.#ended;
    this.#server = server;
    if (this.#connectedOnce) callHook(this.#trace, "reconnectAttempt", { server, attempt: 1 });
  }

  connected(): void {
    if (this.#connectedOnce) {
      callHook(this.#trace, "reconnect", { server: this.#server, identity: {}, attempts: 1, outageMs: systemClock.now() - this.#lostAt });
    }
    this.#cause = undefined;
    this.#connectedOnce = true;
    this.#enter("connected");
  }

  /** The first cause decides: what follows it (a stale connection after expired credentials) is its effect. */
  expectDisconnect(reason: DisconnectReason, error?: unknown): void {
    this.#cause ??= { reason, error };
  }

  connectionClosed({ reason, error }: ConnClosedInfo): void {
    const draining = this.#state === "draining";
    if (!draining && this.#state !== "connected") return;
    this.#lostAt = systemClock.now();
    callHook(this.#trace, "disconnect", {
      server: this.#server,
      reason: draining && reason === "local" ? "drain" : (this.#cause?.reason ?? reason),
      error: error ?? this.#cause?.error,
    });
    this.#cause = undefined;
    if (!draining && this.#ended === undefined && this.#reconnects()) this.#enter("reconnecting");
  }

  draining(): void {
    if (this.#state !== "closed") this.#enter("draining");
  }

  /** From here on a lost connection is not replaced, and no dial is begun. */
  closing(error: unknown): void {
    this.#ended ??= error;
  }

  closed(): void {
    this.#enter("closed");
  }

  #enter(state: ClientState): void {
    const previous = this.#state;
    if (previous === state) return;
    this.#state = state;
    callHook(this.#trace, "stateChange", { state, previous });
  }
}
