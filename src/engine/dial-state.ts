import type { Duplex } from "node:stream";
import type { AttemptRecord } from "../core/errors.ts";

/** Attempts that an error remembers; a dial that retries for days must not grow without bound. */
const maxRecords = 32;

/** What the layers of one dial share: the count of its attempts and how the last of them ended. */
export class DialState {
  /** Attempts started so far; also the number of the running one. */
  attempts = 0;
  /** What the last attempt that succeeded has brought. */
  conn: Duplex | undefined = undefined;
  /** Whether a base dialer is at work, so that compositions inside it count no attempt of their own. */
  readonly insideAttempt: boolean;
  /** How the last {@link maxRecords} attempts failed, oldest first. */
  readonly failures: AttemptRecord[] = [];

  constructor(insideAttempt: boolean) {
    this.insideAttempt = insideAttempt;
  }

  recordFailure(record: AttemptRecord): void {
    if (this.failures.length === maxRecords) this.failures.shift();
    this.failures.push(record);
  }
}

/** Passed to base dialers in place of the dial's own state. */
export const insideAttempt = new DialState(true);
