import type { Ended, Outcome } from "../core/event-values.ts";
import type { Reason } from "../core/reasons.ts";
import type { ConnClosedInfo, DialDoneInfo } from "../core/trace.ts";
import { BreakerStates } from "./breaker-states.ts";
import { Rates } from "./rates.ts";
import { Recovery } from "./recovery.ts";
import type { DialerSummary, RecentSummary } from "./snapshot.ts";
import { Stacks } from "./stacks.ts";

/** What the open connections of one dialer add to its counts. */
export interface OpenTotals {
  bytesRead: number;
  bytesWritten: number;
  /** Connections that are idle in a pool. */
  idle: number;
}

/** Counts of one dialer's dials, attempts and connections. */
export class DialerCounts {
  readonly name: string;
  /** Ended dials, by outcome. */
  readonly dials: Record<Outcome, number> = { success: 0, failure: 0, canceled: 0 };
  /** Ended attempts, by outcome. */
  readonly attempts: Record<Outcome, number> = { success: 0, failure: 0, canceled: 0 };
  dialsStarted = 0;
  attemptsStarted = 0;
  retries = 0;
  failovers = 0;
  closed = 0;
  bytesRead = 0;
  bytesWritten = 0;
  readonly breakers = new BreakerStates();
  readonly stacks = new Stacks();
  readonly #failures = new Map<Reason, number>();
  readonly #attemptFailures = new Map<Reason, number>();
  readonly #rates = new Rates();
  readonly #recovery = new Recovery();

  constructor(name: string) {
    this.name = name;
  }

  dialDone({ outcome, reason, attempts }: DialDoneInfo, atMs: number): void {
    this.dials[outcome] += 1;
    if (outcome === "canceled") return;
    const failed = outcome === "failure";
    this.#rates.add(failed ? "failed" : "succeeded", atMs);
    if (!failed && attempts > 1) this.#rates.add("mended", atMs);
    this.#recovery.add(failed, atMs);
    if (reason !== undefined) increment(this.#failures, reason);
  }

  attemptDone({ outcome, reason }: Ended): void {
    this.attempts[outcome] += 1;
    if (outcome === "canceled") return;
    this.#rates.add(outcome === "failure" ? "attemptFailed" : "attemptSucceeded", Date.now());
    if (reason !== undefined) increment(this.#attemptFailures, reason);
  }

  retryScheduled(): void {
    this.retries += 1;
    this.#rates.add("retry", Date.now());
  }

  failover(): void {
    this.failovers += 1;
    this.#rates.add("failover", Date.now());
  }

  connClosed({ bytesRead, bytesWritten }: ConnClosedInfo): void {
    this.closed += 1;
    this.bytesRead += bytesRead;
    this.bytesWritten += bytesWritten;
  }

  /** Summarizes the counts, with the totals of the connections that are still open. */
  summary(open: Readonly<OpenTotals>, nowMs: number): DialerSummary {
    const { dials, attempts } = this;
    return {
      name: this.name,
      dials: {
        active: this.dialsStarted - sum(dials),
        succeeded: dials.success,
        failed: dials.failure,
        canceled: dials.canceled,
      },
      attempts: {
        started: this.attemptsStarted,
        active: this.attemptsStarted - sum(attempts),
        established: attempts.success,
        failed: attempts.failure,
        canceled: attempts.canceled,
      },
      retries: this.retries,
      failovers: this.failovers,
      breakers: this.breakers.summary(),
      connections: { open: attempts.success - this.closed, idle: open.idle, closed: this.closed },
      bytesRead: this.bytesRead + open.bytesRead,
      bytesWritten: this.bytesWritten + open.bytesWritten,
      failures: Object.fromEntries(this.#failures),
      attemptFailures: Object.fromEntries(this.#attemptFailures),
      recovery: this.#recovery.summary({
        succeeded: this.#rates.total("succeeded", nowMs),
        failed: this.#rates.total("failed", nowMs),
      }),
      lately: this.#lately(nowMs),
      stacks: this.stacks.summary(),
    };
  }

  #lately(nowMs: number): RecentSummary {
    const rates = this.#rates;
    return {
      succeeded: rates.read("succeeded", nowMs),
      mended: rates.read("mended", nowMs),
      failed: rates.read("failed", nowMs),
      attempts: {
        succeeded: rates.total("attemptSucceeded", nowMs),
        failed: rates.total("attemptFailed", nowMs),
      },
      retries: rates.total("retry", nowMs),
      failovers: rates.total("failover", nowMs),
    };
  }
}

function increment(counts: Map<Reason, number>, reason: Reason): void {
  counts.set(reason, (counts.get(reason) ?? 0) + 1);
}

function sum({ success, failure, canceled }: Readonly<Record<Outcome, number>>): number {
  return success + failure + canceled;
}
