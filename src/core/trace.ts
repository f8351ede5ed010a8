import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "./clock.ts";
import type { TimeoutScope } from "./errors.ts";
import type { Reason } from "./reasons.ts";
import type { Target } from "./target.ts";

/** A resolved address: an IP and port, or a unix socket's path. */
export interface Address {
  /** IP literal, or the socket's path. */
  readonly address: string;
  /** 0 for a unix socket. */
  readonly port: number;
  readonly family: "ipv4" | "ipv6" | "unix";
}

/** How a dial, attempt or phase ended. A caller's abort is neither success nor failure. */
export type Outcome = "success" | "failure" | "canceled";

/** What every `…Done` hook tells. */
export interface Ended {
  readonly durationMs: number;
  readonly outcome: Outcome;
  /** What was thrown; absent on success. */
  readonly error?: unknown;
  /** Present exactly when `outcome` is `"failure"`. */
  readonly reason?: Reason | undefined;
}

/** What a protocol's handshake says of itself and its peer, for spans. */
export interface ProtocolInfo {
  /** `network.protocol.name`, such as `nats`. */
  readonly name: string;
  /** Attributes of the peer under their span names, such as `nats.server.name`. No secrets. */
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
}

/** Why a connection closed. */
export const closeReasons = [
  "local",
  "remote",
  "reset",
  "timeout",
  "idle",
  "max_lifetime",
  "stale",
  "drain",
  "unhealthy",
  "error",
] as const;

/** Why a connection closed: one of {@link closeReasons}. */
export type CloseReason = (typeof closeReasons)[number];

/** Why a retrying dial gave up. */
export const exhaustedCauses = ["attempts", "deadline", "budget", "non_retryable"] as const;

/** Why a retrying dial gave up: one of {@link exhaustedCauses}. */
export type ExhaustedCause = (typeof exhaustedCauses)[number];

export interface DialStartInfo {
  readonly target: Target;
  /** Whether no caller waits for the dial. */
  readonly background: boolean;
  /** Whose connection the dial is for: see {@link DialOptions.owner}. */
  readonly owner?: object | undefined;
}

export interface DialDoneInfo extends Ended {
  readonly target: Target;
  /** Attempts made beneath the observer's layer. */
  readonly attempts: number;
  /** The connection, on success. */
  readonly conn?: Duplex | undefined;
}

export interface AttemptStartInfo {
  readonly target: Target;
  /** From 1. */
  readonly attempt: number;
}

export interface AttemptDoneInfo extends AttemptStartInfo, Ended {
  /** The connection, on success. */
  readonly conn?: Duplex | undefined;
}

export interface DnsStartInfo {
  readonly host: string;
}

export interface DnsDoneInfo extends DnsStartInfo, Ended {
  readonly addresses: readonly Address[];
}

export interface ConnectStartInfo {
  /** The same object in the `connectDone` that answers this hook. */
  readonly address: Address;
}

export interface ConnectDoneInfo extends ConnectStartInfo, Ended {
  /** The connected socket, on success. Bytes on it belong to the caller: look, don't touch. */
  readonly socket?: Socket | undefined;
}

export interface ProxyStartInfo {
  /** `http` or `socks5`. */
  readonly type: string;
  /** The proxy, without userinfo. */
  readonly proxy: Target;
}

export interface ProxyDoneInfo extends ProxyStartInfo, Ended {}

export interface TlsHandshakeStartInfo {
  /** The name asked for and checked (SNI); empty for an IP literal. */
  readonly serverName: string;
}

export interface TlsHandshakeDoneInfo extends TlsHandshakeStartInfo, Ended {
  /** Such as `TLSv1.3`. */
  readonly protocol?: string | undefined;
  /** Standard name of the cipher suite. */
  readonly cipher?: string | undefined;
  readonly alpnProtocol?: string | undefined;
  readonly resumed?: boolean | undefined;
  /** End of validity of the peer's certificate, in milliseconds since the epoch. */
  readonly peerCertificateExpiresAt?: number | undefined;
}

export interface HandshakeStartInfo {
  readonly target: Target;
  readonly attempt: number;
}

export interface HandshakeEventInfo extends HandshakeStartInfo {
  /** The step, such as `info`. */
  readonly name: string;
}

export interface HandshakeDoneInfo extends HandshakeStartInfo, Ended {
  readonly protocol?: ProtocolInfo | undefined;
}

export interface StartDelayedInfo {
  readonly target: Target;
  /** Wait before the first attempt. */
  readonly delayMs: number;
}

export interface RetryScheduledInfo {
  readonly target: Target;
  /** Number of the attempt to come, from 2. */
  readonly attempt: number;
  /** Wait before it. */
  readonly delayMs: number;
  /** What the attempt before failed with. */
  readonly error: unknown;
  readonly reason: Reason;
}

export interface RetryExhaustedInfo {
  readonly target: Target;
  /** Tries that this layer made. */
  readonly attempts: number;
  readonly cause: ExhaustedCause;
  readonly error: unknown;
  readonly reason: Reason;
}

export interface TimeoutInfo {
  readonly target: Target;
  readonly scope: TimeoutScope;
  readonly timeoutMs: number;
}

export interface FailoverInfo {
  /** What the caller dials. */
  readonly target: Target;
  /** What has failed. */
  readonly from: Target;
  /** What is tried instead. */
  readonly to: Target;
  /** Why `from` failed, and its reason. */
  readonly error: unknown;
  readonly reason: Reason;
}

/** What a circuit breaker may be: it lets dials pass, lets none, or lets one through to see. */
export const breakerStates = ["closed", "open", "half_open"] as const;

/** What a circuit breaker may be: one of {@link breakerStates}. */
export type BreakerState = (typeof breakerStates)[number];

export interface BreakerChangeInfo {
  /** Whose breaker. */
  readonly target: Target;
  readonly state: BreakerState;
  readonly previous: BreakerState;
}

/** What bounds how many dials there are: at once, or in a time. */
export const limits = ["concurrency", "rate"] as const;

/** What bounds how many dials there are: one of {@link limits}. */
export type Limit = (typeof limits)[number];

export interface LimitWaitInfo extends Ended {
  readonly target: Target;
  readonly limit: Limit;
}

export interface GotConnInfo {
  readonly target: Target;
  readonly conn: Duplex;
  /** Whether it came out of a pool. */
  readonly reused: boolean;
  /** How long it had been idle, when reused. */
  readonly idleMs?: number | undefined;
}

export interface PutIdleConnInfo {
  readonly target: Target;
  readonly conn: Duplex;
}

export interface ConnClosedInfo {
  readonly target: Target;
  readonly conn: Duplex;
  readonly reason: CloseReason;
  /** Lifetime: from the attempt's success to the close. */
  readonly durationMs: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** What the connection was destroyed with, if anything. */
  readonly error?: unknown;
}

/**
 * Hooks into what happens during dials, after Go's `httptrace.ClientTrace`. All are optional and
 * synchronous; one that throws is caught, warned of once, and never harms a dial. Every `…Start`
 * is answered by one `…Done`; dials that run at once may interleave their calls.
 */
export interface DialTrace {
  /** Called when a dial enters the layer that the hooks are attached at. */
  dialStart?(info: DialStartInfo): void;
  /** Called once when that dial has ended. */
  dialDone?(info: DialDoneInfo): void;
  /** Called before each call of the base dialer. */
  attemptStart?(info: AttemptStartInfo): void;
  /** Called once when that attempt, its handshake included, has ended. */
  attemptDone?(info: AttemptDoneInfo): void;
  /** Called before a name is resolved; not for IP literals and unix sockets. */
  dnsStart?(info: DnsStartInfo): void;
  dnsDone?(info: DnsDoneInfo): void;
  /** Called before each address is tried; with several addresses more than once in an attempt. */
  connectStart?(info: ConnectStartInfo): void;
  connectDone?(info: ConnectDoneInfo): void;
  /** Called before a tunnel is asked of a proxy. */
  proxyStart?(info: ProxyStartInfo): void;
  proxyDone?(info: ProxyDoneInfo): void;
  /** Called before a TLS handshake. */
  tlsHandshakeStart?(info: TlsHandshakeStartInfo): void;
  tlsHandshakeDone?(info: TlsHandshakeDoneInfo): void;
  /** Called before the caller's {@link DialOptions.handshake}. */
  handshakeStart?(info: HandshakeStartInfo): void;
  /** Called at each step that the handshake marks, between its start and its end. */
  handshakeEvent?(info: HandshakeEventInfo): void;
  handshakeDone?(info: HandshakeDoneInfo): void;
  /** Called when `withRetry` waits before the first attempt, which is no retry. */
  startDelayed?(info: StartDelayedInfo): void;
  /** Called when `withRetry` will try again after a wait. */
  retryScheduled?(info: RetryScheduledInfo): void;
  /** Called when `withRetry` gives up. */
  retryExhausted?(info: RetryExhaustedInfo): void;
  /** Called when a bound has passed, once for the layer that set it. */
  timeout?(info: TimeoutInfo): void;
  /** Called when `withFailover` tries another target after one that failed. */
  failover?(info: FailoverInfo): void;
  /** Called when a dial meets the breaker of its target in another state than the dial before. */
  breakerChange?(info: BreakerChangeInfo): void;
  /** Called when a dial has waited for its turn at a limit. */
  limitWait?(info: LimitWaitInfo): void;
  /** Called when a pool hands a connection out. */
  gotConn?(info: GotConnInfo): void;
  /** Called when a pool takes a connection back. */
  putIdleConn?(info: PutIdleConnInfo): void;
  /** Called exactly once for each connection that an attempt has brought, when it is destroyed. */
  connClosed?(info: ConnClosedInfo): void;
}

/**
 * Returns the hooks for one dial, or `undefined` to leave it unobserved. Called when the dial starts.
 * `clock` is what the dial's durations are measured by.
 */
export type Observer = (dial: DialStartInfo, clock: Clock) => DialTrace | undefined;

/** @internal Hooks that travel down with a dial; the other two belong to the layer that attached them. */
export const travellingHooks = [
  "attemptStart",
  "attemptDone",
  "dnsStart",
  "dnsDone",
  "connectStart",
  "connectDone",
  "proxyStart",
  "proxyDone",
  "tlsHandshakeStart",
  "tlsHandshakeDone",
  "handshakeStart",
  "handshakeEvent",
  "handshakeDone",
  "startDelayed",
  "retryScheduled",
  "retryExhausted",
  "timeout",
  "failover",
  "breakerChange",
  "limitWait",
  "gotConn",
  "putIdleConn",
  "connClosed",
] as const satisfies readonly (keyof DialTrace)[];
