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
 * Rejects with a {@link DialError} when the dial fails, with a `TypeError` when the target is malformed, with a
 * `TypeError` or `RangeError` for an invalid option, and with the signal's own reason when the caller aborts. An error
 * thrown by one of the caller's own functions is passed on. Safe to call concurrently.
 *
 * @typeParam C - type of the connection; a `net.Socket` unless the base dialer returns another type.
 */
export type Dialer<C extends Duplex = Socket> = (target: TargetLike, options?: DialOptions<C>) => Promise<C>;

/** Wraps a dialer in another of the same type. All decorators of this package are middlewares. */
export type Middleware = <C extends Duplex>(next: Dialer<C>) => Dialer<C>;

/**
 * Decides whether to retry after attempt number `attempt` failed with `error`. A promise is awaited until an abort or a
 * timeout above ends the dial. If the function throws or rejects, the dial rejects with that error; any result other
 * than `true` or `false` ends the dial with a TypeError.
 */
export type RetryPredicate = (error: unknown, attempt: number) => boolean | Promise<boolean>;

/**
 * Options that override, for one dial, the options of its layers. Each applies to the layers beneath the code that sets
 * it, so a decorator of your own may set them too. The dial rejects with a TypeError or RangeError that names the
 * option if its value is invalid or no layer applies it.
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
  /**
   * Replaces `backoffBeforeFirst` of the outermost `withRetry`: whether to delay the first attempt by `backoff(0,
   * undefined)`.
   * @defaultValue the layer's own
   */
  backoffBeforeFirst?: boolean | undefined;
  /**
   * Replaces `shouldRetry` of the outermost `withRetry`: whether to retry after attempt number `attempt` failed with
   * `error`.
   * @defaultValue the layer's own
   */
  shouldRetry?: RetryPredicate | undefined;
  /**
   * Names of layers to skip, such as `retry`, `timeout` or `log`; every layer of that name is skipped. Observers that
   * count cannot be skipped, so that their counts stay complete.
   * @defaultValue none
   */
  skip?: readonly string[] | undefined;
}

/**
 * Options of one dial. A decorator of your own passes them on with its changes, as in
 * `next(target, { ...options, signal })`.
 */
export interface DialOptions<C extends Duplex = Socket> extends CallOptions {
  /** Cancels the dial, never the connection that it returned. @defaultValue none */
  signal?: AbortSignal | undefined;
  /** Hooks for this one dial. @defaultValue none */
  trace?: DialTrace | undefined;
  /**
   * The last phase of each attempt, such as a TLS upgrade or a protocol's greeting. It runs inside the attempt, so
   * timeouts, retries, spans and metrics cover it. It resolves with the connection that the dial returns.
   * @defaultValue none
   */
  handshake?: Handshake<C> | undefined;
  /**
   * Whether the dial has no waiting caller, as in a reconnect. Its span then starts a trace of its own.
   * @defaultValue false
   */
  background?: boolean | undefined;
  /**
   * The object that the connection is for, such as a client that reconnects. Observers link the dials of one owner.
   * @defaultValue none
   */
  owner?: object | undefined;
  /**
   * Values of the attributes that the observers of the dialer declare with an array, by name: see the option `attributes` of
   * `withPrometheus`. A value outside the array is reported as `_OTHER`. @defaultValue none: `_OTHER` for each
   */
  attributes?: Readonly<Record<string, string>> | undefined;
  /**
   * Clock of the dial. For tests. A clock that cannot start a timer rejects the dial. When its `now()` fails after the
   * first call, the time goes on by the system's clock, and one warning is emitted.
   * @defaultValue the system's monotonic clock
   */
  clock?: Clock | undefined;
}

/** The caller's own phase at the end of an attempt. See {@link DialOptions.handshake}. */
export type Handshake<C extends Duplex = Socket> = (conn: C, context: HandshakeContext) => Promise<C>;

/** The attempt that a handshake runs in. */
export interface HandshakeContext {
  readonly target: Target;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** Aborts when the attempt is canceled or times out; the connection is then destroyed. */
  readonly signal: AbortSignal | undefined;
  /**
   * Returns the milliseconds until the nearest deadline, or `undefined` without one, for protocols that send it to the
   * peer.
   */
  remainingMs(): number | undefined;
  /** Hooks for inner phases, such as a TLS upgrade. */
  readonly trace: DialTrace | undefined;
  /** Sets the protocol's name and the peer's attributes, for spans. */
  describe(protocol: ProtocolInfo): void;
  /** Marks a step of the handshake, for spans: `info`, `connect`, `pong`. */
  event(name: string): void;
}
