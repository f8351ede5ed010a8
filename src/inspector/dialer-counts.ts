import type { Outcome } from "../core/event-values.ts";
import type { Reason } from "../core/reasons.ts";
import type { ConnClosedInfo, DialDoneInfo } from "../core/trace.ts";
import { Rates } from "./rates.ts";
import type { DialerSummary } from "./snapshot.ts";
import { Stacks } from "./stacks.ts";

/** Counts of one dialer's dials, attempts and connections. */
export class DialerCounts {
  readonly name: string;
  /** Ended dials, by outcome. */
  readonly dials: Record<Outcome, number> = { success: 0, failure: 0, canceled: 0 };
  /** Ended attempts, by outcome. */
  readonly attempts: Record<Outcome, number> = { success: 0, failure: 0, canceled: 0 };
  dialsStarted = 0;
  attemptsStarted = 0;
  closed = 0;
  bytesRead = 0;
  bytesWritten = 0;
  readonly stacks = new Stacks();
  readonly #failures = new Map<Reason, number>();
  readonly #rates = new Rates();

  constructor(name: string) {
    this.name = name;
  }

  dialDone({ outcome, reason }: DialDoneInfo, atMs: number): void {
    this.dials[outcome] += 1;
    if (outcome === "canceled") return;
    this.#rates.add(outcome === "failure", atMs);
    if (reason !== undefined) this.#failures.set(reason, (this.#failures.get(reason) ?? 0) + 1);
  }

  connClosed({ bytesRead, bytesWritten }: ConnClosedInfo): void {
    this.closed += 1;
    this.bytesRead += bytesRead;
    this.bytesWritten += bytesWritten;
  }

  /** Summarizes the counts. `open` are the bytes of connections that are still open. */
  summary(open: { readonly bytesRead: number; readonly bytesWritten: number }, nowMs: number): DialerSummary {
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
      connections: { open: attempts.success - this.closed, closed: this.closed },
      bytesRead: this.bytesRead + open.bytesRead,
      bytesWritten: this.bytesWritten + open.bytesWritten,
      failures: Object.fromEntries(this.#failures),
      lately: this.#rates.read(nowMs),
      stacks: this.stacks.summary(),
    };
  }
}

function sum({ success, failure, canceled }: Readonly<Record<Outcome, number>>): number {
  return success + failure + canceled;
}
