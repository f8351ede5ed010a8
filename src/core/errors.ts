import { printable } from "../support/printable.ts";
import type { Reason } from "./reasons.ts";
import type { Target } from "./target.ts";

/** How one attempt of a dial failed. */
export interface AttemptRecord {
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  readonly durationMs: number;
  readonly reason: Reason;
  /** The error of the base dialer or the handshake. */
  readonly error: unknown;
}

/** How one of several targets failed. */
export interface TargetFailure {
  /** `host:port` of the target. */
  readonly target: string;
  readonly reason: Reason;
  /** The failure of its last attempt. */
  readonly error: unknown;
}

const noTargets: readonly TargetFailure[] = Object.freeze([]);

/** Fields of a new {@link DialError}. */
export interface DialErrorInit {
  readonly reason: Reason;
  readonly target?: Target | undefined;
  readonly cause?: unknown;
  readonly attempts?: readonly AttemptRecord[] | undefined;
  readonly attemptCount?: number | undefined;
  readonly targets?: readonly TargetFailure[] | undefined;
}

/**
 * The error of a failed dial or attempt. Adapters may throw one with a specific reason. The message names the
 * target without userinfo. It is one line of at most 1 kB without control characters, because it may contain text
 * from the peer.
 */
export class DialError extends Error {
  override readonly name: string = "DialError";
  /** The one reason, from the closed set {@link reasons}; `error.type` of spans and metrics. */
  readonly reason: Reason;
  /** The target as a string; empty if unknown. */
  readonly target: string;
  /** Failed attempts, oldest first; at most the last 32. */
  readonly attempts: readonly AttemptRecord[];
  /** Number of attempts started, including attempts dropped from {@link attempts}. */
  readonly attemptCount: number;
  /**
   * Failures of several targets, such as the servers of a NATS connect, most recent last. Empty if there was one
   * target.
   */
  readonly targets: readonly TargetFailure[];
  /**
   * Code of the deciding system or library error, such as `ECONNREFUSED`; without one, `ERR_DIAL_` and the reason in
   * capitals, such as `ERR_DIAL_AUTH_FAILED`. Some clients drop errors without a code.
   */
  readonly code: string;

  constructor(message: string, init: DialErrorInit) {
    super(printable(message), init.cause === undefined ? undefined : { cause: init.cause });
    this.reason = init.reason;
    this.target = init.target?.toString() ?? "";
    this.attempts = init.attempts ?? [];
    this.attemptCount = init.attemptCount ?? this.attempts.length;
    this.targets = init.targets ?? noTargets;
    const code = codeOf(init.cause);
    this.code = typeof code === "string" ? code : `ERR_DIAL_${init.reason.replace(/^_/, "").toUpperCase()}`;
  }
}

/** Returns the code of an error, or `undefined` if its getter throws. */
function codeOf(cause: unknown): unknown {
  try {
    return (cause as { code?: unknown } | null | undefined)?.code;
  } catch {
    return undefined;
  }
}

/** Scope of a timeout: the whole `dial`, one `attempt`, or one `phase` of an attempt. */
export type TimeoutScope = "dial" | "attempt" | "phase";

/** Fields of a new {@link DialTimeoutError}. */
export interface DialTimeoutErrorInit extends Omit<DialErrorInit, "reason"> {
  readonly scope: TimeoutScope;
  readonly timeoutMs: number;
  /** @defaultValue 0 */
  readonly lateByMs?: number | undefined;
}

/** The error of a dial, attempt or phase that exceeded its timeout. */
export class DialTimeoutError extends DialError {
  override readonly name = "DialTimeoutError";
  override readonly code = "ETIMEDOUT";
  readonly scope: TimeoutScope;
  /** The timeout that was exceeded, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * Delay of the event loop in firing the timeout, in whole milliseconds; 0 if on time. A large value means that
   * this process was blocked, not that the peer was slow.
   */
  readonly lateByMs: number;

  constructor(message: string, init: DialTimeoutErrorInit) {
    super(message, { ...init, reason: "timeout" });
    this.scope = init.scope;
    this.timeoutMs = init.timeoutMs;
    this.lateByMs = init.lateByMs ?? 0;
  }
}

/** Minimum event loop delay that a message mentions, in milliseconds. */
const tellsLatenessFromMs = 100;

/** Returns the part of an error message about the event loop delay, or an empty string if the delay is small. */
export function latenessNote(lateByMs: number): string {
  return lateByMs < tellsLatenessFromMs ? "" : ` (the event loop was blocked: ${lateByMs} ms late)`;
}

/** Returns the message of a {@link DialTimeoutError}. */
export function timeoutMessage(what: string, timeoutMs: number, lateByMs: number): string {
  return `${what} timed out after ${timeoutMs} ms${latenessNote(lateByMs)}`;
}
