import type { CloseReason } from "../core/event-values.ts";

/** States of a client that keeps itself connected. */
export type ClientState = "connecting" | "connected" | "reconnecting" | "draining" | "closed";

/** Why a client lost its connection: as a connection closes, or for a reason of the client's own. */
export type DisconnectReason = CloseReason | "auth_expired" | "forced" | "lame_duck";

/** What went wrong on a connection that is up. */
export type ClientErrorKind = "permission_publish" | "permission_subscribe" | "auth" | "protocol" | "other";

/** What a server says of itself. */
export interface ServerIdentity {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly version?: string | undefined;
  readonly cluster?: string | undefined;
}

/** What a client counts itself, read when asked for. */
export interface ClientStats {
  readonly inMsgs: number;
  readonly outMsgs: number;
  readonly inBytes: number;
  readonly outBytes: number;
  /** Servers of its pool that it was given. */
  readonly configuredServers: number;
  /** Servers of its pool that a server has told it of. */
  readonly discoveredServers: number;
  /** Bytes of messages that wait for a connection. */
  readonly bufferedBytes: number;
}

/** A client as its observers see it. */
export interface ObservedClient {
  /** The name that it gives to the server, if any. */
  readonly name?: string | undefined;
  stats(): ClientStats;
  /** Makes the client look at its state now, where nothing tells it of a change. Call before reading what it said. */
  refresh?(): void;
}

export interface StateChangeInfo {
  readonly state: ClientState;
  /** `undefined` when the observation starts. */
  readonly previous: ClientState | undefined;
}

export interface ClientConnectInfo {
  /** `host:port` of the server reached. */
  readonly server: string;
  readonly identity: ServerIdentity;
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
  /** Number of the attempt since the connection was lost, from 1. */
  readonly attempt: number;
}

export interface ReconnectInfo extends ClientConnectInfo {
  /** Time since the connection was lost. */
  readonly outageMs: number;
  /** Dials that it took. */
  readonly attempts: number;
}

export interface ServersChangeInfo {
  /** `host:port` each. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

export interface ServerSaidInfo {
  /** `host:port` of the server that the client is connected to. */
  readonly server: string;
}

export interface SlowConsumerInfo {
  /** Messages that wait to be handled. */
  readonly pending: number;
}

export interface ClientErrorInfo {
  readonly kind: ClientErrorKind;
  readonly error: unknown;
}

export interface RttInfo {
  readonly durationMs: number;
}

export interface PublishRejectedInfo {
  /** The limit that the message would have gone beyond. */
  readonly limitBytes: number;
}

export interface ClientCloseInfo {
  /** What the client gave up for; absent when its owner closed it. */
  readonly error?: unknown;
}

export interface ClientEndInfo {
  /** The state that the client is in. */
  readonly state: ClientState;
}

/**
 * Hooks into the life of one client, as `DialTrace` is into one dial: synchronous, all optional. One
 * that throws is caught, warned of once, and never harms the client.
 */
export interface ClientTrace {
  /** Called at every change of state, and once at the start with the state then. */
  stateChange?(info: StateChangeInfo): void;
  /** Called once, when the first connection stands. */
  connect?(info: ClientConnectInfo): void;
  /** Called once for each established connection that ends. */
  disconnect?(info: DisconnectInfo): void;
  /** Called before each dial made to reconnect. */
  reconnectAttempt?(info: ReconnectAttemptInfo): void;
  /** Called when a reconnect has succeeded. */
  reconnect?(info: ReconnectInfo): void;
  /** Called when servers have joined or left the pool, as a server told; never with both lists empty. */
  serversChange?(info: ServersChangeInfo): void;
  /** Called once for each connection whose server says that it is about to shut down. */
  lameDuck?(info: ServerSaidInfo): void;
  /** Called when a connection is given up because its server has answered no ping. */
  stale?(info: ServerSaidInfo): void;
  /** Called when the client's owner has asked for a reconnect. */
  forcedReconnect?(info: ServerSaidInfo): void;
  /** Called when a subscription falls behind its bound. */
  slowConsumer?(info: SlowConsumerInfo): void;
  /** Called when a server has reported an error. */
  error?(info: ClientErrorInfo): void;
  /** Called with each round trip measured. */
  rtt?(info: RttInfo): void;
  /** Called when a message could not wait for a connection: the buffer was full, or off. */
  publishRejected?(info: PublishRejectedInfo): void;
  /** Called once, when the client has closed for good. */
  close?(info: ClientCloseInfo): void;
  /** Called last, once: the client has closed, or is observed no longer. */
  end?(info: ClientEndInfo): void;
}

/** Returns the hooks for one client, or `undefined` to leave it unobserved. Called when the observation starts. */
export type ClientObserver = (client: ObservedClient) => ClientTrace | undefined;

/** What observes clients: hooks, a function that returns them for each client, or several of both. */
export type ClientTraceLike = ClientTrace | ClientObserver | readonly (ClientTrace | ClientObserver)[];
