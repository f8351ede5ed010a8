import type { Duplex } from "node:stream";
import type { AttemptRecord } from "../core/errors.ts";

/** Maximum number of attempts that an error lists, because a dial may retry for days. */
const maxRecords = 32;

const noFailures: readonly AttemptRecord[] = Object.freeze([]);

/** State that the layers of one dial share: the number of attempts, the latest failures, and the trace id. */
export class DialState {
  /** Attempts started so far; also the number of the running one. */
  attempts = 0;
  /** The connection of the last successful attempt. */
  conn: Duplex | undefined = undefined;
  /** Trace id of the dial's sampled span, from the innermost tracing layer. */
  traceId: string | undefined = undefined;
  /** Whether a base dialer is running: compositions inside it count no attempts of their own. */
  readonly insideAttempt: boolean;
  /** How the last {@link maxRecords} attempts failed, oldest first. Errors hold the array, so a change replaces it. */
  failures: readonly AttemptRecord[] = noFailures;

  constructor(insideAttempt = false) {
    this.insideAttempt = insideAttempt;
  }

  recordFailure(record: AttemptRecord): void {
    this.failures = [...this.failures.slice(1 - maxRecords), record];
  }
}

/** Passed to base dialers in place of the dial's own state. */
export const insideAttempt = new DialState(true);
