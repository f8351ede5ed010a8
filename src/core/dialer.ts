import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { BackoffFunction } from "../async/backoff.ts";
import type { Clock } from "../async/clock.ts";
import type { ProtocolInfo } from "./event-values.ts";
import type { Target, TargetLike } from "./target.ts";
import type { DialTrace } from "./trace.ts";

/**
 * Opens one connection to `target`.
 *
 * Rejects with a {@link DialError} when the dial fails, with a `TypeError` when the target is
 * malformed, with a `TypeError` or `RangeError` for an option that can't work, and with the signal's own
 * reason when the caller aborts; what the caller's own functions throw is passed on. Safe to call concurrently.
 *
 * @typeParam C - what a dial yields; a `net.Socket` unless a base dialer says otherwise.
 */
export type Dialer<C extends Duplex = Socket> = (target: TargetLike, options?: DialOptions<C>) => Promise<C>;

/** Wraps a dialer in another of the same type. The decorators of this package are all of this shape. */
export type Middleware = <C extends Duplex>(next: Dialer<C>) => Dialer<C>;

/**
 * Says whether to try again after `error` ended the `attempt`-th try. A promise is awaited, as long as no abort and no
 * bound above ends the dial. A throw or rejection ends the dial, which rejects with the very error; anything but
 * `true` or `false` ends it with a TypeError.
 */
export type RetryPredicate = (error: unknown, attempt: number) => boolean | Promise<boolean>;

/**
 * What the caller may have otherwise in one dial than its layers were made with. Each option acts on the
 * layers beneath the place where it is given: a decorator of your own may give them, too. One that can't
 * take effect is refused, and so is one out of range: the dial rejects with a TypeError or RangeError that
 * names it.
 */
export interface CallOptions {
  /**
   * Timeout of the whole dial in milliseconds, 1 to 2^31-1. Replaces that of the outermost `withTimeout`; timeouts of
   * attempts stay. If no layer limits the whole dial, `compose` applies this one beneath its outermost observers.
   * @defaultValue the layer's own
   */
  timeoutMs?: number | undefined;
  /** Replaces `maxAttempts` of the outermost `withRetry`: attempts from 1, the first included. @defaultValue the layer's own */
  maxAttempts?: number | undefined;
  /** Replaces the backoff of the outermost `withRetry`, in milliseconds. If it throws, the dial rejects with that error. @defaultValue the layer's own */
  backoff?: BackoffFunction | undefined;
  /** Replaces that of the outermost `withRetry`: whether to delay the first attempt by `backoff(0, undefined)`. @defaultValue the layer's own */
  backoffBeforeFirst?: boolean | undefined;
  /** Replaces that of the outermost `withRetry`: whether to retry after `error` ended attempt `attempt`. @defaultValue the layer's own */
  shouldRetry?: RetryPredicate | undefined;
  /**
   * Names of layers to skip, such as `retry`, `timeout` or `log`; skips every layer with the name. Observers that
   * count have no name, so that their numbers stay true. @defaultValue none
   */
  skip?: readonly string[] | undefined;
}

/**
 * Options of one dial. A decorator of your own passes them on, with the changes that are its job:
 * `next(target, { ...options, signal })`.
 */
export interface DialOptions<C extends Duplex = Socket> extends CallOptions {
  /** Cancels the dial, never the connection that it returned. @defaultValue none */
  signal?: AbortSignal | undefined;
  /** Hooks for this one dial. @defaultValue none */
  trace?: DialTrace | undefined;
  /**
   * Last phase of an attempt (a TLS upgrade, a protocol's hello). Runs inside the attempt, so that timeouts, retries,
   * spans and metrics cover it; resolves with the connection to hand out. @defaultValue none
   */
  handshake?: Handshake<C> | undefined;
  /** Whether the dial runs without a waiting caller (a reconnect): its span starts a trace of its own. @defaultValue false */
  background?: boolean | undefined;
  /** The object that the dials keep connected, such as a client that reconnects: observers link the dials of one owner. @defaultValue none */
  owner?: object | undefined;
  /**
   * Values of the attributes that the observers of the dialer declare with an array, by name: see the option `attributes` of
   * `withPrometheus`. A value outside the array is reported as `_OTHER`. @defaultValue none: `_OTHER` for each
   */
  attributes?: Readonly<Record<string, string>> | undefined;
  /** Clock of the dial. For tests. @defaultValue the system's monotonic clock */
  clock?: Clock | undefined;
}

/** The caller's own phase at the end of an attempt. See {@link DialOptions.handshake}. */
export type Handshake<C extends Duplex = Socket> = (conn: C, context: HandshakeContext) => Promise<C>;

/** The attempt that a handshake runs in. */
export interface HandshakeContext {
  readonly target: Target;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** Aborts when the attempt is over; the connection is destroyed then. */
  readonly signal: AbortSignal | undefined;
  /** Milliseconds until the nearest deadline; `undefined` without one. For protocols that send it to the peer. */
  remainingMs(): number | undefined;
  /** Hooks for inner phases, such as a TLS upgrade. */
  readonly trace: DialTrace | undefined;
  /** Sets the protocol's name and the peer's attributes, for spans. */
  describe(protocol: ProtocolInfo): void;
  /** Marks a step of the handshake, for spans: `info`, `connect`, `pong`. */
  event(name: string): void;
}
