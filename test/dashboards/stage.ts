import type { Registry } from "prom-client";
import type { Dialer, DialOptions, Middleware } from "../../src/index.ts";

/** The processes of the service. */
export type Process = "a" | "b";

/** Outcomes as counted by the callers. */
export class Tally {
  readonly counts: Record<string, number> = {};
  readonly #times: Record<string, number[]> = {};
  add(what: string, amount = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + amount;
  }
  of(what: string): number {
    return this.counts[what] ?? 0;
  }
  /** Records a duration in seconds. */
  took(what: string, seconds: number): void {
    this.#times[what] = [...(this.#times[what] ?? []), seconds];
  }
  /** The median of the recorded durations. */
  median(what: string): number {
    const sorted = this.#times[what]?.toSorted((a, b) => a - b) ?? [];
    return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  }
}

/** The environment of the scenario's parts. */
export interface Stage {
  readonly registries: Readonly<Record<Process, Registry>>;
  readonly tally: Tally;
  /** A target without a listener. */
  readonly unserved: string;
  /** Disposed of with the scenario, in reverse order. */
  keep<R extends AsyncDisposable>(resource: R): R;
  /** Creates a dialer with the metrics of one process. */
  dialer(process: Process, name: string, ...rest: [...Middleware[], Dialer]): Dialer;
  /** Dials and counts the outcome as `label outcome`. The connection stays open. */
  dial(label: string, dialer: Dialer, target: string, options?: DialOptions): Promise<unknown>;
  /** Repeats the work with a delay until the scenario stops. */
  goOn(everyMs: number, step: () => Promise<unknown>): void;
}

/** One part of the scenario. */
export interface Part {
  /** Connections that it keeps open, besides those dialed by the stage. */
  readonly open?: () => number;
  play(scraped: () => Promise<void>): Promise<void>;
  /** Called when loops are told to stop; they may still be running. */
  calm?(): void;
}
