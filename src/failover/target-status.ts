import type { Duplex } from "node:stream";
import type { Target } from "../core/target.ts";
import { onDestroy } from "../support/on-destroy.ts";
import { PeakEwma } from "./peak-ewma.ts";

/** A target that a policy may pick. The object is live: its numbers change as dials go on. */
export interface Candidate {
  readonly target: Target;
  /** Those of a lower number come first, as in SRV records. */
  readonly priority: number;
  /** Its share among those of its priority. */
  readonly weight: number;
  /** Connections that this layer has opened to it and that are not destroyed yet. */
  readonly open: number;
  /** Dials under way. */
  readonly dialing: number;
  /** Failures in a row: of dials, or of those that `mark` told of, whichever are more. */
  readonly failures: number;
}

/** How one target stands. */
export interface TargetStatus extends Candidate {
  /** Moving average of the latency of its dials, sensitive to peaks; `undefined` before the first. */
  readonly latencyMs: number | undefined;
  readonly ejected: boolean;
  /** How long it is still ejected; 0 when it isn't. */
  readonly ejectedForMs: number;
}

/** One target, and all that is known of it. */
export class Endpoint implements Candidate {
  readonly target: Target;
  /** The target as text: what two lists have in common. */
  readonly key: string;
  readonly latency: PeakEwma;
  priority = 0;
  weight = 1;
  open = 0;
  dialing = 0;
  /** Dials in a row that failed. */
  dialFailures = 0;
  /** Failures in a row that the user has marked: a dial that succeeds says nothing of them. */
  markedFailures = 0;
  /** Whether it is in the list. */
  present = true;
  ejectedUntil = Number.NEGATIVE_INFINITY;
  /** Times that it was ejected since the last success. */
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
