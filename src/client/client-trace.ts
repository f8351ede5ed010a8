import type { CloseReason } from "../core/event-values.ts";

/** States of a client that keeps itself connected. */
export type ClientState = "connecting" | "connected" | "reconnecting" | "draining" | "closed";

/** Reason why a client lost its connection: a close reason of the connection or a reason of the client. */
export type DisconnectReason = CloseReason | "auth_expired" | "forced" | "lame_duck";

/** Kind of an error on an established connection. */
export type ClientErrorKind = "permission_publish" | "permission_subscribe" | "auth" | "protocol" | "other";

/** Description of a server, as reported by the server. */
export interface ServerIdentity {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly version?: string | undefined;
  readonly cluster?: string | undefined;
}

/** Kind of credentials that expire: a user's JWT, or the client's TLS certificate. */
export type CredentialKind = "jwt" | "certificate";

/** The validity of credentials that expire. */
export interface CredentialValidity {
  readonly kind: CredentialKind;
  /** When they were issued, in milliseconds since the epoch; the time of their first use if they do not say. */
  readonly issuedAt: number;
  /** When they expire, in milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Statistics of a client, read on demand. */
export interface ClientStats {
  readonly inMsgs: number;
  readonly outMsgs: number;
  readonly inBytes: number;
  readonly outBytes: number;
  /** Number of servers in the pool that were configured. */
  readonly configuredServers: number;
  /** Number of servers in the pool that a server announced. */
  readonly discoveredServers: number;
  /** Bytes of messages buffered until a connection is established. */
  readonly bufferedBytes: number;
  /** Messages dropped so far: buffered and never sent. @defaultValue unknown, for a connection made elsewhere */
  readonly dropped?: number | undefined;
  /** Messages so far whose connection ended before a PONG confirmed them. @defaultValue unknown, for a connection made elsewhere */
  readonly unconfirmed?: number | undefined;
  /** The credentials that the client sent last, or that its files contain now. @defaultValue unknown, for a connection made elsewhere */
  readonly credentials?: readonly CredentialValidity[] | undefined;
}

/** The view of a client that observers get. */
export interface ObservedClient {
  /** The name that the client gives to the server, if any. */
  readonly name?: string | undefined;
  stats(): ClientStats;
  /** Updates a state whose changes cause no event. Call it before reading {@link stats}. */
  refresh?(): void;
}

/** A change of a client's state. */
export interface StateChangeInfo {
  /** The state now. */
  readonly state: ClientState;
  /** The state before; `undefined` when the observation starts. */
  readonly previous: ClientState | undefined;
}

/** The first connection of a client. */
export interface ClientConnectInfo {
  /** `host:port` of the server reached. */
  readonly server: string;
  /** Name, version and cluster that the server gave. */
  readonly identity: ServerIdentity;
}

/** The end of an established connection. */
export interface DisconnectInfo {
  /** `host:port` of the server that was lost. */
  readonly server: string;
  /** Why the connection ended. */
  readonly reason: DisconnectReason;
  /** The error that the socket was destroyed with, or the last error of the server, if any. */
  readonly error?: unknown;
  /**
   * Messages published on this connection that no PONG has confirmed: those after the PING of the last PONG. The server
   * may have read some of them or none; buffered messages that were sent on this connection are included, from 0.
   * `undefined` for a connection made elsewhere.
   */
  readonly unconfirmed?: number | undefined;
}

/** A dial that a client makes to reconnect. */
export interface ReconnectAttemptInfo {
  /** `host:port` of the server about to be dialed. */
  readonly server: string;
  /** Number of the attempt since the connection was lost, from 1. */
  readonly attempt: number;
}

/** A reconnect that succeeded. */
export interface ReconnectInfo extends ClientConnectInfo {
  /** Milliseconds since the connection was lost. */
  readonly outageMs: number;
  /** Dials made, from 1. */
  readonly attempts: number;
}

/** A change of the servers that a client knows. */
export interface ServersChangeInfo {
  /** `host:port` of each new server. */
  readonly added: readonly string[];
  /** `host:port` of each server that is gone. */
  readonly removed: readonly string[];
}

/** The server that an event came from. */
export interface ServerSaidInfo {
  /** `host:port` of the server that the client is connected to. */
  readonly server: string;
}

/** A subscription that handles messages more slowly than they arrive. */
export interface SlowConsumerInfo {
  /** Messages waiting to be handled. */
  readonly pending: number;
}

/** An error that a server reported, or that the client found. */
export interface ClientErrorInfo {
  /** Kind of the error, for labels. */
  readonly kind: ClientErrorKind;
  /** The error as the client reported it. */
  readonly error: unknown;
}

/** A measured round trip to the server. */
export interface RttInfo {
  /** Milliseconds from ping to pong. */
  readonly durationMs: number;
}

/** A message rejected while the client was disconnected. */
export interface PublishRejectedInfo {
  /** The limit in bytes that the message would have exceeded. */
  readonly limitBytes: number;
}

/** The end of a client. */
export interface ClientCloseInfo {
  /** The error that ended the client; absent when its owner closed it. */
  readonly error?: unknown;
  /** Messages that were buffered when the client closed, from 0. They were never sent. `undefined` for a connection made elsewhere. */
  readonly dropped?: number | undefined;
  /**
   * Messages of all connections of the client that were unconfirmed when their connection ended, from 0; see
   * {@link DisconnectInfo}. `undefined` for a connection made elsewhere.
   */
  readonly unconfirmed?: number | undefined;
}

/** The end of an observation. */
export interface ClientEndInfo {
  /** The client's state at that moment. */
  readonly state: ClientState;
}

/**
 * Hooks for the lifetime of one client, as `DialTrace` is for one dial: synchronous, all optional. A hook that throws
 * is caught and reported once by a process warning; it does not affect the client.
 */
export interface ClientTrace {
  /** Called on every change of state, and once with the current state when the observation starts. */
  stateChange?(info: StateChangeInfo): void;
  /** Called once, when the first connection is established. */
  connect?(info: ClientConnectInfo): void;
  /** Called once for each established connection that ends. */
  disconnect?(info: DisconnectInfo): void;
  /** Called before each dial made to reconnect. */
  reconnectAttempt?(info: ReconnectAttemptInfo): void;
  /** Called when a reconnect has succeeded. */
  reconnect?(info: ReconnectInfo): void;
  /** Called when a server reports that servers have joined or left the pool; never with both lists empty. */
  serversChange?(info: ServersChangeInfo): void;
  /** Called once for each connection whose server announces that it will shut down. */
  lameDuck?(info: ServerSaidInfo): void;
  /** Called when a connection is closed because its server did not answer pings. */
  stale?(info: ServerSaidInfo): void;
  /** Called when the owner of the client has requested a reconnect. */
  forcedReconnect?(info: ServerSaidInfo): void;
  /** Called when a subscription exceeds its limit of pending messages. */
  slowConsumer?(info: SlowConsumerInfo): void;
  /** Called when a server has reported an error. */
  error?(info: ClientErrorInfo): void;
  /** Called for each measured round trip. */
  rtt?(info: RttInfo): void;
  /** Called when a message could not be buffered while disconnected: the buffer was full or disabled. */
  publishRejected?(info: PublishRejectedInfo): void;
  /** Called once, when the client has closed permanently. */
  close?(info: ClientCloseInfo): void;
  /** Called once, as the last hook: the client has closed or the observer was detached. */
  end?(info: ClientEndInfo): void;
}

/** Returns the hooks for one client, or `undefined` to leave it unobserved. Called when the observation starts. */
export type ClientObserver = (client: ObservedClient) => ClientTrace | undefined;

/** Observers of clients: hooks, a function that returns hooks for each client, or an array of both. */
export type ClientTraceLike = ClientTrace | ClientObserver | readonly (ClientTrace | ClientObserver)[];
