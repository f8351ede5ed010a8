/**
 * The events of a dial: the table from which hooks, inheritance and channels are derived, and the fields of the events
 * of dials, attempts and layers. The fields are in the same file as the table, so that adding a layer's event is one
 * edit.
 */
import type { Duplex } from "node:stream";
import type { Clock } from "../async/clock.ts";
import type { ConnClosedInfo, GotConnInfo, PutIdleConnInfo } from "./connection-events.ts";
import type { TimeoutScope } from "./errors.ts";
import type { BreakerState, Ended, ExhaustedCause, Limit } from "./event-values.ts";
import type {
  ConnectDoneInfo,
  ConnectStartInfo,
  DnsDoneInfo,
  DnsStartInfo,
  HandshakeDoneInfo,
  HandshakeEventInfo,
  HandshakeStartInfo,
  ProxyDoneInfo,
  ProxyStartInfo,
  TlsHandshakeDoneInfo,
  TlsHandshakeStartInfo,
} from "./phase-events.ts";
import type { Reason } from "./reasons.ts";
import type { Target } from "./target.ts";

export type * from "./connection-events.ts";
export type * from "./phase-events.ts";

/** Argument of {@link DialTrace.dialStart}. */
export interface DialStartInfo {
  /** Target of the dial. */
  readonly target: Target;
  /** Whether the dial has no waiting caller, as in a reconnect. */
  readonly background: boolean;
  /** The object that the connection is for. See {@link DialOptions.owner}. */
  readonly owner?: object | undefined;
  /** Trace id of the dial's span, if a layer above traces the dial and the span is sampled. */
  readonly traceId?: string | undefined;
}

/** Argument of {@link DialTrace.dialDone}. */
export interface DialDoneInfo extends Ended {
  /** Target of the dial. */
  readonly target: Target;
  /** Number of attempts made beneath the observer's layer, from 0. */
  readonly attempts: number;
  /** The connection, on success. */
  readonly conn?: Duplex | undefined;
}

/** Argument of {@link DialTrace.attemptStart}. */
export interface AttemptStartInfo {
  /** Target of the attempt. Beneath failover it differs from the target of the dial. */
  readonly target: Target;
  /** Number of the attempt within its dial, from 1. */
  readonly attempt: number;
}

/** Argument of {@link DialTrace.attemptDone}. */
export interface AttemptDoneInfo extends AttemptStartInfo, Ended {
  /** The connection, on success. */
  readonly conn?: Duplex | undefined;
}

/** Argument of {@link DialTrace.startDelayed}. */
export interface StartDelayedInfo {
  /** Target of the dial. */
  readonly target: Target;
  /** Delay before the first attempt, in milliseconds. */
  readonly delayMs: number;
}

/** Argument of {@link DialTrace.retryScheduled}. */
export interface RetryScheduledInfo {
  /** Target of the dial. */
  readonly target: Target;
  /** Number of the next attempt, from 2. */
  readonly attempt: number;
  /** Delay before the next attempt, in milliseconds. */
  readonly delayMs: number;
  /** The error of the previous attempt. */
  readonly error: unknown;
  /** The reason of that error. */
  readonly reason: Reason;
}

/** Argument of {@link DialTrace.retryExhausted}. */
export interface RetryExhaustedInfo {
  /** Target of the dial. */
  readonly target: Target;
  /** Attempts that this `withRetry` made, from 1. */
  readonly attempts: number;
  /** Why there is no further retry. */
  readonly cause: ExhaustedCause;
  /** The error that the dial rejects with. */
  readonly error: unknown;
  /** The reason of that error. */
  readonly reason: Reason;
}

/** Argument of {@link DialTrace.timeout}. */
export interface TimeoutInfo {
  /** Target of the dial or attempt that timed out. */
  readonly target: Target;
  /** Scope of the timeout. */
  readonly scope: TimeoutScope;
  /** The timeout, in milliseconds. */
  readonly timeoutMs: number;
}

/** Argument of {@link DialTrace.failover}. */
export interface FailoverInfo {
  /** The service that the caller dialed. */
  readonly target: Target;
  /** The target that failed. */
  readonly from: Target;
  /** The next target. */
  readonly to: Target;
  /** The error of `from`. */
  readonly error: unknown;
  /** The reason of that error. */
  readonly reason: Reason;
}

/** Argument of {@link DialTrace.breakerChange}. */
export interface BreakerChangeInfo {
  /** The target that the breaker guards. */
  readonly target: Target;
  /** State of the breaker now. */
  readonly state: BreakerState;
  /** State of the breaker at the previous dial. */
  readonly previous: BreakerState;
}

/** Argument of {@link DialTrace.limitWait}. */
export interface LimitWaitInfo extends Ended {
  /** Target of the waiting dial. */
  readonly target: Target;
  /** Kind of the limit. */
  readonly limit: Limit;
}

/** The parts of this package that can be required to handle an event. */
type Consumer = "metrics" | "spans" | "span events" | "log" | "record";

interface EventRow {
  /** Whether observers attached above also receive the event. */
  readonly inherited: boolean;
  /** The consumers that must handle the event; a missing handler is a type error. */
  readonly consumers: readonly Consumer[];
}

declare const infoOf: unique symbol;

/** A row of {@link dialEvents}. */
type DialEvent<I, R> = R & { readonly [infoOf]?: (info: I) => void };

function event<I>() {
  return <const R extends EventRow>(row: R): DialEvent<I, R> => row;
}

/** The table of a dial's events. Hooks, inheritance, channels and the required consumers are derived from it. */
export const dialEvents = {
  /** Called when a dial enters the layer that attached the hooks. */
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
  /** Called before each connect; an attempt may connect to several addresses. */
  connectStart: event<ConnectStartInfo>()({ inherited: true, consumers: ["spans", "log", "record"] }),
  /** Called once when that connect has ended. */
  connectDone: event<ConnectDoneInfo>()({
    inherited: true,
    consumers: ["metrics", "spans", "span events", "log", "record"],
  }),
  /** Called before a tunnel is requested from a proxy. */
  proxyStart: event<ProxyStartInfo>()({ inherited: true, consumers: ["spans", "record"] }),
  /** Called once when the request for the tunnel has ended. */
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
  /** Called when `withRetry` will start another attempt after a delay. */
  retryScheduled: event<RetryScheduledInfo>()({
    inherited: true,
    consumers: ["metrics", "spans", "span events", "log", "record"],
  }),
  /** Called when `withRetry` gives up. */
  retryExhausted: event<RetryExhaustedInfo>()({ inherited: true, consumers: ["metrics"] }),
  /** Called when a timeout expires, once per timeout. */
  timeout: event<TimeoutInfo>()({ inherited: true, consumers: ["metrics"] }),
  /** Called when `withFailover` moves to another target after a failure. */
  failover: event<FailoverInfo>()({ inherited: true, consumers: ["metrics", "spans", "span events", "log"] }),
  /** Called when the state of the target's breaker differs from its state at the previous dial. */
  breakerChange: event<BreakerChangeInfo>()({ inherited: true, consumers: ["metrics", "spans", "span events", "log"] }),
  /** Called when a dial's wait at a limit has ended. */
  limitWait: event<LimitWaitInfo>()({
    inherited: true,
    consumers: ["metrics", "spans", "span events", "log", "record"],
  }),
  /** Called when a pool leases a connection. */
  gotConn: event<GotConnInfo>()({ inherited: true, consumers: ["metrics"] }),
  /** Called when a pool takes back a connection. */
  putIdleConn: event<PutIdleConnInfo>()({ inherited: true, consumers: ["metrics"] }),
  /** Called exactly once for each connection that an attempt established, when it is destroyed. */
  connClosed: event<ConnClosedInfo>()({ inherited: true, consumers: ["metrics", "log"] }),
};

type DialEvents = typeof dialEvents;

/** Name of an event of a dial, and of its hook. */
export type DialEventName = keyof DialEvents;

/** The argument of the hook for the event `N`. */
export type DialEventInfo<N extends DialEventName> = DialEvents[N] extends DialEvent<infer I, unknown> ? I : never;

/**
 * Hooks called during dials, modeled on Go's `httptrace.ClientTrace`. All are optional and synchronous. A hook that
 * throws is caught and reported once by a process warning; it does not affect the dial. Every `…Start` is followed by
 * exactly one `…Done`; the calls of concurrent dials interleave.
 *
 * @see https://pkg.go.dev/net/http/httptrace
 */
export type DialTrace = { [N in DialEventName]?: Hook<DialEventInfo<N>> | undefined };

/** The hooks that the table requires of a consumer. */
export type HooksOf<C extends Consumer> = {
  readonly [N in DialEventName as C extends DialEvents[N]["consumers"][number] ? N : never]: Hook<DialEventInfo<N>>;
};

/** Parameters of methods are bivariant, so a hook may declare a narrower argument. */
type Hook<I> = { hook(info: I): void }["hook"];

/** Every event, in the order of the table. */
export const dialEventNames = Object.keys(dialEvents) as readonly DialEventName[];

/** The events that observers attached above also receive. */
export const inheritedEvents: readonly DialEventName[] = dialEventNames.filter((name) => dialEvents[name].inherited);

/**
 * Returns the hooks for one dial, or `undefined` not to observe it. Called when the dial starts. `clock` measures the
 * durations of the dial.
 */
export type Observer = (dial: DialStartInfo, clock: Clock) => DialTrace | undefined;
