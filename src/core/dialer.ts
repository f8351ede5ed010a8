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
   * Bound of the whole dial in milliseconds, 1 to 2^31-1, longer or shorter than that of the outermost
   * `withTimeout`, in whose place it stands; bounds of attempts stay. A composed dialer that has no bound
   * of the whole dial makes this one, beneath the observers that stand outermost.
   */
  timeoutMs?: number | undefined;
  /** In place of the outermost `withRetry`'s: attempts in all, the first included. */
  maxAttempts?: number | undefined;
  /** In place of the outermost `withRetry`'s waits; may throw to stop, which is then what the dial rejects with. */
  backoff?: BackoffFunction | undefined;
  /** In place of the outermost `withRetry`'s: whether to wait `backoff(0, undefined)` before the first attempt. */
  backoffBeforeFirst?: boolean | undefined;
  /** In place of the outermost `withRetry`'s: whether to try again after `error` ended the `attempt`-th try. */
  shouldRetry?: RetryPredicate | undefined;
  /**
   * Names of layers to pass by, such as `retry`, `timeout` or `log`; every layer of that name. Other observers
   * have none: what is counted stays true.
   */
  skip?: readonly string[] | undefined;
}

/**
 * What the caller may say about one dial. A decorator of your own passes it on, changed where that is
 * its job: `next(target, { ...options, signal })`.
 */
export interface DialOptions<C extends Duplex = Socket> extends CallOptions {
  /** Cancels the dial, never the connection it returned. */
  signal?: AbortSignal | undefined;
  /** Hooks for this one dial. */
  trace?: DialTrace | undefined;
  /**
   * The caller's last phase (a TLS upgrade, a protocol's hello). Runs inside the attempt, so that
   * timeouts, retries, spans and metrics cover it; resolves with the connection to hand out.
   */
  handshake?: Handshake<C> | undefined;
  /** Says that no caller waits for this dial (a reconnect): its span starts a trace of its own. @defaultValue false */
  background?: boolean | undefined;
  /** Whoever keeps itself connected through its dials (a NATS client): observers link the dials of one owner. */
  owner?: object | undefined;
  /** Where time comes from. For tests. @defaultValue the system's monotonic clock */
  clock?: Clock | undefined;
}

/** The caller's last phase of an attempt. See {@link DialOptions.handshake}. */
export type Handshake<C extends Duplex = Socket> = (conn: C, context: HandshakeContext) => Promise<C>;

/** What a handshake learns about the attempt that it runs in. */
export interface HandshakeContext {
  readonly target: Target;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** Aborts when the attempt is over; the connection is destroyed then. */
  readonly signal: AbortSignal | undefined;
  /** Milliseconds until the nearest bound above passes; `undefined` where there is none. For protocols that tell the peer. */
  remainingMs(): number | undefined;
  /** Hooks to report inner phases to (a TLS upgrade, for one). */
  readonly trace: DialTrace | undefined;
  /** Names the protocol spoken and what the peer said of itself, for spans. */
  describe(protocol: ProtocolInfo): void;
  /** Marks a step of the handshake, for spans: `info`, `connect`, `pong`. */
  event(name: string): void;
}
