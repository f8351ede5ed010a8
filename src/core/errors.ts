import { printable } from "../support/printable.ts";
import type { Reason } from "./reasons.ts";
import type { Target } from "./target.ts";

/** How one attempt of a dial failed. */
export interface AttemptRecord {
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  readonly durationMs: number;
  readonly reason: Reason;
  /** What the base dialer or the handshake failed with. */
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

/** What a {@link DialError} is made from. */
export interface DialErrorInit {
  readonly reason: Reason;
  readonly target?: Target | undefined;
  readonly cause?: unknown;
  readonly attempts?: readonly AttemptRecord[] | undefined;
  readonly attemptCount?: number | undefined;
  readonly targets?: readonly TargetFailure[] | undefined;
}

/**
 * A dial, or one attempt of it, that failed. Adapters may throw one with the reason that they know.
 * The message names the target without userinfo. It is one line of at most 1 kB, without control characters:
 * peers have a part in it.
 */
export class DialError extends Error {
  override readonly name: string = "DialError";
  /** The one reason, from the closed set {@link reasons}; `error.type` of spans and metrics. */
  readonly reason: Reason;
  /** What was dialed, as text; empty when the thrower didn't know. */
  readonly target: string;
  /** Attempts that had failed when this was thrown, oldest first; the last 32 at most. */
  readonly attempts: readonly AttemptRecord[];
  /** Number of attempts started, those that {@link attempts} has dropped included. */
  readonly attemptCount: number;
  /**
   * How each of several targets failed, the most recent failure last: the servers of a NATS connect. Empty where
   * there was one target.
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

/** A user's error may have a getter that throws. */
function codeOf(cause: unknown): unknown {
  try {
    return (cause as { code?: unknown } | null | undefined)?.code;
  } catch {
    return undefined;
  }
}

/** What a timeout bounded: a whole `dial`, one `attempt` of it, or one `phase` of an attempt. */
export type TimeoutScope = "dial" | "attempt" | "phase";

/** What a {@link DialTimeoutError} is made from. */
export interface DialTimeoutErrorInit extends Omit<DialErrorInit, "reason"> {
  readonly scope: TimeoutScope;
  readonly timeoutMs: number;
  /** @defaultValue 0 */
  readonly lateByMs?: number | undefined;
}

/** A dial, attempt or phase that took longer than it was given. */
export class DialTimeoutError extends DialError {
  override readonly name = "DialTimeoutError";
  override readonly code = "ETIMEDOUT";
  readonly scope: TimeoutScope;
  /** The bound that was passed, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * By how many whole milliseconds the event loop was late to see that; 0 when it was on time. A great number says that this
   * process was blocked, not that the peer was slow.
   */
  readonly lateByMs: number;

  constructor(message: string, init: DialTimeoutErrorInit) {
    super(message, { ...init, reason: "timeout" });
    this.scope = init.scope;
    this.timeoutMs = init.timeoutMs;
    this.lateByMs = init.lateByMs ?? 0;
  }
}

/** Least lateness, in milliseconds, that a message tells of. */
const tellsLatenessFromMs = 100;

/** Says in an error's message that the event loop was late, where it was by much; otherwise empty. */
export function latenessNote(lateByMs: number): string {
  return lateByMs < tellsLatenessFromMs ? "" : ` (the event loop was blocked: ${lateByMs} ms late)`;
}

/** The message of a {@link DialTimeoutError}. */
export function timeoutMessage(what: string, timeoutMs: number, lateByMs: number): string {
  return `${what} timed out after ${timeoutMs} ms${latenessNote(lateByMs)}`;
}
