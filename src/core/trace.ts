/**
 * The events of a dial: the fields of each event and the table that everything else derives from. Both are in one
 * long file so that adding an event is one edit.
 */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../async/clock.ts";
import type { TimeoutScope } from "./errors.ts";
import type { Address, BreakerState, CloseReason, Ended, ExhaustedCause, Limit, ProtocolInfo } from "./event-values.ts";
import type { Reason } from "./reasons.ts";
import type { Target } from "./target.ts";

/** What {@link DialTrace.dialStart} says. */
export interface DialStartInfo {
  /** What the dial was asked to reach. */
  readonly target: Target;
  /** Whether the dial was started without a caller that waits for it, such as a reconnect. */
  readonly background: boolean;
  /** The client that the connection is for: see {@link DialOptions.owner}. */
  readonly owner?: object | undefined;
}

/** What {@link DialTrace.dialDone} says. */
export interface DialDoneInfo extends Ended {
  /** What the dial was asked to reach. */
  readonly target: Target;
  /** Attempts made beneath the observer's layer, from 0. */
  readonly attempts: number;
  /** The connection, on success. */
  readonly conn?: Duplex | undefined;
}

/** What {@link DialTrace.attemptStart} says. */
export interface AttemptStartInfo {
  /** What the attempt dials. Beneath failover it differs from the dial's target. */
  readonly target: Target;
  /** Number of the attempt within its dial, from 1. */
  readonly attempt: number;
}

/** What {@link DialTrace.attemptDone} says. */
export interface AttemptDoneInfo extends AttemptStartInfo, Ended {
  /** The connection, on success. */
  readonly conn?: Duplex | undefined;
}

/** What {@link DialTrace.dnsStart} says. */
export interface DnsStartInfo {
  /** The name to resolve. */
  readonly host: string;
}

/** What {@link DialTrace.dnsDone} says. */
export interface DnsDoneInfo extends DnsStartInfo, Ended {
  /** The addresses found, in the order in which they will be tried; empty on failure. */
  readonly addresses: readonly Address[];
}

/** What {@link DialTrace.connectStart} says. */
export interface ConnectStartInfo {
  /** The address tried. `connectDone` for it carries the same object. */
  readonly address: Address;
}

/** What {@link DialTrace.connectDone} says. */
export interface ConnectDoneInfo extends ConnectStartInfo, Ended {
  /** The connected socket, on success. Its bytes belong to the caller: a hook must not read, write or listen. */
  readonly socket?: Socket | undefined;
}

/** What {@link DialTrace.proxyStart} says. */
export interface ProxyStartInfo {
  /** Protocol spoken with the proxy: `http` or `socks5`. */
  readonly type: string;
  /** The proxy's host and port, without credentials. */
  readonly proxy: Target;
}

/** What {@link DialTrace.proxyDone} says. */
export interface ProxyDoneInfo extends ProxyStartInfo, Ended {}

/** What {@link DialTrace.tlsHandshakeStart} says. */
export interface TlsHandshakeStartInfo {
  /** The target whose server the handshake is with: the dialed one, or the proxy. Adapters may leave it out. */
  readonly target?: Target | undefined;
  /** Name sent as SNI and checked against the certificate; empty for an IP literal. */
  readonly serverName: string;
}

/** What {@link DialTrace.tlsHandshakeDone} says. */
export interface TlsHandshakeDoneInfo extends TlsHandshakeStartInfo, Ended {
  /** Protocol version, such as `TLSv1.3`; on success. */
  readonly protocol?: string | undefined;
  /** IANA name of the cipher suite; on success. */
  readonly cipher?: string | undefined;
  /** Protocol chosen by ALPN, if any. */
  readonly alpnProtocol?: string | undefined;
  /** Whether an earlier session was resumed. */
  readonly resumed?: boolean | undefined;
  /** End of validity of the peer's certificate, in milliseconds since the epoch. */
  readonly peerCertificateExpiresAt?: number | undefined;
}

/** What {@link DialTrace.handshakeStart} says. */
export interface HandshakeStartInfo {
  /** What the attempt dialed. */
  readonly target: Target;
  /** Number of the attempt within its dial, from 1. */
  readonly attempt: number;
}

/** What {@link DialTrace.handshakeEvent} says. */
export interface HandshakeEventInfo extends HandshakeStartInfo {
  /** The step reached, such as `info`. */
  readonly name: string;
}

/** What {@link DialTrace.handshakeDone} says. */
export interface HandshakeDoneInfo extends HandshakeStartInfo, Ended {
  /** The protocol and what its peer said of itself, when the handshake described them. */
  readonly protocol?: ProtocolInfo | undefined;
}

/** What {@link DialTrace.startDelayed} says. */
export interface StartDelayedInfo {
  /** What the dial was asked to reach. */
  readonly target: Target;
  /** Delay before the first attempt, in milliseconds. */
  readonly delayMs: number;
}

/** What {@link DialTrace.retryScheduled} says. */
export interface RetryScheduledInfo {
  /** What the dial was asked to reach. */
  readonly target: Target;
  /** Number of the attempt to come, from 2. */
  readonly attempt: number;
  /** Delay before it, in milliseconds. */
  readonly delayMs: number;
  /** The error of the attempt before. */
  readonly error: unknown;
  /** The reason of that error. */
  readonly reason: Reason;
}

/** What {@link DialTrace.retryExhausted} says. */
export interface RetryExhaustedInfo {
  /** What the dial was asked to reach. */
  readonly target: Target;
  /** Attempts that this `withRetry` made, from 1. */
  readonly attempts: number;
  /** What ended the retries. */
  readonly cause: ExhaustedCause;
  /** The error that the dial rejects with. */
  readonly error: unknown;
  /** The reason of that error. */
  readonly reason: Reason;
}

/** What {@link DialTrace.timeout} says. */
export interface TimeoutInfo {
  /** What was being dialed. */
  readonly target: Target;
  /** What the timeout bounded. */
  readonly scope: TimeoutScope;
  /** The timeout, in milliseconds. */
  readonly timeoutMs: number;
}

/** What {@link DialTrace.failover} says. */
export interface FailoverInfo {
  /** The service that the caller dials. */
  readonly target: Target;
  /** The target that failed. */
  readonly from: Target;
  /** The target tried next. */
  readonly to: Target;
  /** The error of `from`. */
  readonly error: unknown;
  /** The reason of that error. */
  readonly reason: Reason;
}

/** What {@link DialTrace.breakerChange} says. */
export interface BreakerChangeInfo {
  /** The target that the breaker guards. */
  readonly target: Target;
  /** The state that the dial met. */
  readonly state: BreakerState;
  /** The state that the dial before it met. */
  readonly previous: BreakerState;
}

/** What {@link DialTrace.limitWait} says. */
export interface LimitWaitInfo extends Ended {
  /** What the waiting dial was asked to reach. */
  readonly target: Target;
  /** The limit waited at. */
  readonly limit: Limit;
}

/** What {@link DialTrace.gotConn} says. */
export interface GotConnInfo {
  /** The target that the pool was asked for. */
  readonly target: Target;
  /** The connection handed out. */
  readonly conn: Duplex;
  /** Whether the connection was idle in the pool. */
  readonly reused: boolean;
  /** How long it was idle, in milliseconds; only when reused. */
  readonly idleMs?: number | undefined;
}

/** What {@link DialTrace.putIdleConn} says. */
export interface PutIdleConnInfo {
  /** The target that the connection leads to. */
  readonly target: Target;
  /** The connection put back. */
  readonly conn: Duplex;
}

/** What {@link DialTrace.connClosed} says. */
export interface ConnClosedInfo {
  /** The target that the connection led to. */
  readonly target: Target;
  /** The closed connection. */
  readonly conn: Duplex;
  /** Why it closed. */
  readonly reason: CloseReason;
  /** Lifetime in milliseconds, from the attempt's success to the close. */
  readonly durationMs: number;
  /** Bytes received over its lifetime. */
  readonly bytesRead: number;
  /** Bytes sent over its lifetime. */
  readonly bytesWritten: number;
  /** The error that the connection was destroyed with, if any. */
  readonly error?: unknown;
}

/** The parts of this package that must handle an event when its row names them. */
type Consumer = "metrics" | "spans" | "span events" | "log" | "record";

interface EventRow {
  /** Whether observers of the layers above get the event too. */
  readonly inherited: boolean;
  /** The consumers that must handle the event. One that does not is a type error. */
  readonly consumers: readonly Consumer[];
}

declare const infoOf: unique symbol;

/** A row of {@link dialEvents}. */
type DialEvent<I, R> = R & { readonly [infoOf]?: (info: I) => void };

function event<I>() {
  return <const R extends EventRow>(row: R): DialEvent<I, R> => row;
}

/** The one table of a dial's events. Hooks, inheritance, channels and the duties of consumers derive from it. */
export const dialEvents = {
  /** Called when a dial enters the layer that the hooks are attached at. */
  dialStart: event<DialStartInfo>()({ inherited: false, consumers: ["metrics"] }),
  /** Called once when that dial has ended. */
  dialDone: event<DialDoneInfo>()({
    inherited: false,
    consumers: ["metrics", "spans", "span events", "log", "record"],
  }),
  /** Called before each call of the base dialer. */
  attemptStart: event<AttemptStartInfo>()({
    inherited: true,
    consumers: ["metrics", "spans", "span events", "record"],
  }),
  /** Called once when that attempt has ended, its handshake included. */
  attemptDone: event<AttemptDoneInfo>()({
    inherited: true,
    consumers: ["metrics", "spans", "span events", "record"],
  }),
  /** Called before a name is resolved; not for IP literals and unix sockets. */
  dnsStart: event<DnsStartInfo>()({ inherited: true, consumers: ["spans", "record"] }),
  /** Called once when the resolution has ended. */
  dnsDone: event<DnsDoneInfo>()({ inherited: true, consumers: ["metrics", "spans", "span events", "record"] }),
  /** Called before each address is tried; an attempt may try several. */
  connectStart: event<ConnectStartInfo>()({ inherited: true, consumers: ["spans", "log", "record"] }),
  /** Called once when the try of that address has ended. */
  connectDone: event<ConnectDoneInfo>()({
    inherited: true,
    consumers: ["metrics", "spans", "span events", "log", "record"],
  }),
  /** Called before a proxy is asked for a tunnel. */
  proxyStart: event<ProxyStartInfo>()({ inherited: true, consumers: ["spans", "record"] }),
  /** Called once when the proxy has answered, or failed to. */
  proxyDone: event<ProxyDoneInfo>()({ inherited: true, consumers: ["metrics", "spans", "span events", "record"] }),
  /** Called before a TLS handshake. */
  tlsHandshakeStart: event<TlsHandshakeStartInfo>()({ inherited: true, consumers: ["spans", "record"] }),
  /** Called once when the TLS handshake has ended. */
  tlsHandshakeDone: event<TlsHandshakeDoneInfo>()({
    inherited: true,
    consumers: ["metrics", "spans", "span events", "record"],
  }),
  /** Called before the caller's {@link DialOptions.handshake}. */
  handshakeStart: event<HandshakeStartInfo>()({ inherited: true, consumers: ["spans", "record"] }),
  /** Called at each step that the handshake marks. */
  handshakeEvent: event<HandshakeEventInfo>()({ inherited: true, consumers: ["spans", "span events"] }),
  /** Called once when the handshake has ended. */
  handshakeDone: event<HandshakeDoneInfo>()({
    inherited: true,
    consumers: ["metrics", "spans", "span events", "record"],
  }),
  /** Called when `withRetry` delays the first attempt, which is not a retry. */
  startDelayed: event<StartDelayedInfo>()({
    inherited: true,
    consumers: ["metrics", "spans", "span events", "log", "record"],
  }),
  /** Called when `withRetry` will try again after a delay. */
  retryScheduled: event<RetryScheduledInfo>()({
    inherited: true,
    consumers: ["metrics", "spans", "span events", "log", "record"],
  }),
  /** Called when `withRetry` gives up. */
  retryExhausted: event<RetryExhaustedInfo>()({ inherited: true, consumers: ["metrics"] }),
  /** Called when a timeout passes, once for the layer that set it. */
  timeout: event<TimeoutInfo>()({ inherited: true, consumers: ["metrics"] }),
  /** Called when `withFailover` tries another target after one that failed. */
  failover: event<FailoverInfo>()({ inherited: true, consumers: ["metrics", "spans", "span events", "log"] }),
  /** Called when a dial meets its target's breaker in another state than the dial before it. */
  breakerChange: event<BreakerChangeInfo>()({ inherited: true, consumers: ["metrics", "spans", "span events", "log"] }),
  /** Called when a dial has waited at a limit. */
  limitWait: event<LimitWaitInfo>()({
    inherited: true,
    consumers: ["metrics", "spans", "span events", "log", "record"],
  }),
  /** Called when a pool hands out a connection. */
  gotConn: event<GotConnInfo>()({ inherited: true, consumers: ["metrics"] }),
  /** Called when a pool takes a connection back. */
  putIdleConn: event<PutIdleConnInfo>()({ inherited: true, consumers: ["metrics"] }),
  /** Called exactly once for each connection that an attempt made, when it is destroyed. */
  connClosed: event<ConnClosedInfo>()({ inherited: true, consumers: ["metrics", "log"] }),
};

type DialEvents = typeof dialEvents;

/** Name of an event of a dial, and of its hook. */
export type DialEventName = keyof DialEvents;

/** The argument of the hook for the event `N`. */
export type DialEventInfo<N extends DialEventName> = DialEvents[N] extends DialEvent<infer I, unknown> ? I : never;

/**
 * Hooks into what happens during dials, after Go's `httptrace.ClientTrace`. All are optional and
 * synchronous. A hook that throws is caught, reported once by a process warning, and never harms a dial.
 * Every `…Start` is followed by exactly one `…Done`; the calls of concurrent dials interleave.
 *
 * @see https://pkg.go.dev/net/http/httptrace
 */
export type DialTrace = { [N in DialEventName]?: Hook<DialEventInfo<N>> | undefined };

/** The hooks that a consumer of this package must have, by the table. */
export type HooksOf<C extends Consumer> = {
  readonly [N in DialEventName as C extends DialEvents[N]["consumers"][number] ? N : never]: Hook<DialEventInfo<N>>;
};

/** Parameters of methods are bivariant, so a hook may declare a narrower argument. */
type Hook<I> = { hook(info: I): void }["hook"];

/** Every event, in the order of the table. */
export const dialEventNames = Object.keys(dialEvents) as readonly DialEventName[];

/** The events that observers of the layers above get too. */
export const inheritedEvents: readonly DialEventName[] = dialEventNames.filter((name) => dialEvents[name].inherited);

/**
 * Returns the hooks for one dial, or `undefined` to leave it unobserved. Called when the dial starts.
 * The dial's durations are measured by `clock`.
 */
export type Observer = (dial: DialStartInfo, clock: Clock) => DialTrace | undefined;
