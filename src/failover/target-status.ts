import type { Duplex } from "node:stream";
import type { Target } from "../core/target.ts";
import { onDestroy } from "../support/on-destroy.ts";
import { PeakEwma } from "./peak-ewma.ts";

/** A target that a policy may pick. The object is live: its numbers change with each dial. */
export interface Candidate {
  /** The target. */
  readonly target: Target;
  /** Targets with a lower number come first, as in SRV records. */
  readonly priority: number;
  /** Relative share among the targets of its priority. */
  readonly weight: number;
  /** Open connections that were dialed through this layer. */
  readonly open: number;
  /** Dials in progress. */
  readonly dialing: number;
  /** Consecutive failures: those of dials or those reported by `mark`, whichever are more. */
  readonly failures: number;
}

/** Status of one target. */
export interface TargetStatus extends Candidate {
  /** Peak-sensitive moving average of the latency of its dials, in milliseconds; `undefined` before the first. */
  readonly latencyMs: number | undefined;
  /** Whether the target is ejected. */
  readonly ejected: boolean;
  /** Remaining time of the ejection, in milliseconds; 0 when the target is not ejected. */
  readonly ejectedForMs: number;
}

/** One target, its health and its load. */
export class Endpoint implements Candidate {
  readonly target: Target;
  /** The target as text, which identifies it across lists. */
  readonly key: string;
  readonly latency: PeakEwma;
  priority = 0;
  weight = 1;
  open = 0;
  dialing = 0;
  /** Consecutive failed dials. */
  dialFailures = 0;
  /** Consecutive failures reported by `mark`; a successful dial does not reset them. */
  markedFailures = 0;
  /** Whether the target is in the current list. */
  present = true;
  ejectedUntil = Number.NEGATIVE_INFINITY;
  /** Ejections since the last success. */
  ejections = 0;

  constructor(target: Target, decayMs: number) {
    this.target = target;
    this.key = target.toString();
    this.latency = new PeakEwma(decayMs);
  }

  get failures(): number {
    return Math.max(this.dialFailures, this.markedFailures);
  }

  /** Counts `conn` as open until it is destroyed. */
  opened(conn: Duplex): void {
    this.open += 1;
    onDestroy(conn, () => {
      this.open -= 1;
    });
  }

  status(now: number): TargetStatus {
    const { target, priority, weight, open, dialing, failures, latency, ejectedUntil } = this;
    const ejectedForMs = Math.max(0, ejectedUntil - now);
    return {
      target,
      priority,
      weight,
      open,
      dialing,
      failures,
      latencyMs: latency.measured ? latency.at(now) : undefined,
      ejected: ejectedForMs > 0,
      ejectedForMs,
    };
  }
}
