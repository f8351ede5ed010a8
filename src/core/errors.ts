import { isError } from "./is-error.ts";
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

/** What a {@link DialError} is made from. */
export interface DialErrorInit {
  readonly reason: Reason;
  readonly target?: Target | undefined;
  readonly cause?: unknown;
  readonly attempts?: readonly AttemptRecord[] | undefined;
  readonly attemptCount?: number | undefined;
}

/**
 * A dial, or one attempt of it, that failed. Adapters may throw one with the reason that they know.
 * The message names the target without userinfo.
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
  /** System code of the deciding error (`ECONNREFUSED`), for clients test for it. */
  readonly code?: string;

  constructor(message: string, init: DialErrorInit) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.reason = init.reason;
    this.target = init.target?.toString() ?? "";
    this.attempts = init.attempts ?? [];
    this.attemptCount = init.attemptCount ?? this.attempts.length;
    const code = (init.cause as { code?: unknown } | undefined)?.code;
    if (typeof code === "string") this.code = code;
  }
}

/** What a timeout bounded: a whole `dial`, one `attempt` of it, or one `phase` of an attempt. */
export type TimeoutScope = "dial" | "attempt" | "phase";

/** A dial, attempt or phase that took longer than it was given. */
export class DialTimeoutError extends DialError {
  override readonly name = "DialTimeoutError";
  override readonly code = "ETIMEDOUT";
  readonly scope: TimeoutScope;
  /** The bound that was passed, in milliseconds. */
  readonly timeoutMs: number;

  constructor(message: string, init: Omit<DialErrorInit, "reason"> & { scope: TimeoutScope; timeoutMs: number }) {
    super(message, { ...init, reason: "timeout" });
    this.scope = init.scope;
    this.timeoutMs = init.timeoutMs;
  }
}

/** The message of any thrown value. Node's AggregateError of several addresses has an empty one. */
export function messageOf(error: unknown): string {
  if (!isError(error)) return String(error);
  return error.message || (error as { code?: string }).code || error.name;
}
