import type { CloseReason } from "./trace.ts";

/** States of a client that keeps itself connected. */
export type ClientState = "connecting" | "connected" | "reconnecting" | "draining" | "closed";

/** Why a client lost its connection: as a connection closes, or for a reason of the client's own. */
export type DisconnectReason = CloseReason | "auth_expired" | "forced" | "lame_duck";

export interface StateChangeInfo {
  readonly state: ClientState;
  /** `undefined` when the client starts. */
  readonly previous: ClientState | undefined;
}

export interface DisconnectInfo {
  /** `host:port` of the server that was lost. */
  readonly server: string;
  readonly reason: DisconnectReason;
  /** What the socket was destroyed with, or what the server said last, if anything. */
  readonly error?: unknown;
}

export interface ReconnectAttemptInfo {
  /** `host:port` of the server about to be dialed. */
  readonly server: string;
}

export interface ReconnectInfo {
  /** `host:port` of the server reached. */
  readonly server: string;
  /** Time since the connection was lost. */
  readonly outageMs: number;
}

/**
 * Hooks into the life of one client, as `DialTrace` is into one dial: synchronous, all optional. One
 * that throws is caught, warned of once, and never harms the client.
 */
export interface ClientTrace {
  /** Called at every change of state, `connecting` at the start included. */
  stateChange?(info: StateChangeInfo): void;
  /** Called once for each established connection that ends. */
  disconnect?(info: DisconnectInfo): void;
  /** Called before each dial made to reconnect. */
  reconnectAttempt?(info: ReconnectAttemptInfo): void;
  /** Called when a reconnect has succeeded. */
  reconnect?(info: ReconnectInfo): void;
}
