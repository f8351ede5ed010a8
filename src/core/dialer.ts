import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "./clock.ts";
import type { Target, TargetLike } from "./target.ts";
import type { DialTrace, ProtocolInfo } from "./trace.ts";

/**
 * Opens one connection to `target`.
 *
 * Rejects with a {@link DialError} when the dial fails, with a `TypeError` when the target is
 * malformed, and with the signal's own reason when the caller aborts. Safe to call concurrently.
 *
 * @typeParam C - what a dial yields; a `net.Socket` unless a base dialer says otherwise.
 */
export type Dialer<C extends Duplex = Socket> = (target: TargetLike, options?: DialOptions<C>) => Promise<C>;

/** Wraps a dialer in another of the same type. The decorators of this package are all of this shape. */
export type Middleware = <C extends Duplex>(next: Dialer<C>) => Dialer<C>;

/**
 * What the caller may say about one dial. A decorator of your own passes it on, changed where that is
 * its job: `next(target, { ...options, signal })`.
 */
export interface DialOptions<C extends Duplex = Socket> {
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
  /** Hooks to report inner phases to (a TLS upgrade, for one). */
  readonly trace: DialTrace | undefined;
  /** Names the protocol spoken and what the peer said of itself, for spans. */
  describe(protocol: ProtocolInfo): void;
  /** Marks a step of the handshake, for spans: `info`, `connect`, `pong`. */
  event(name: string): void;
}
