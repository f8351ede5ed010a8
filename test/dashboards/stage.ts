import type { Registry } from "prom-client";
import type { Dialer, DialOptions, Middleware } from "../../src/index.ts";

/** The processes of the service. */
export type Process = "a" | "b";

/** What the callers saw, counted by themselves. */
export class Tally {
  readonly counts: Record<string, number> = {};
  add(what: string, amount = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + amount;
  }
  of(what: string): number {
    return this.counts[what] ?? 0;
  }
}

/** What the parts of the scenario play with. */
export interface Stage {
  readonly registries: Readonly<Record<Process, Registry>>;
  readonly tally: Tally;
  /** A target that nobody listens on. */
  readonly nobody: string;
  /** Is ended with the scenario, the last one first. */
  keep<R extends AsyncDisposable>(resource: R): R;
  /** A dialer whose metrics are those of a process. */
  dialer(process: Process, name: string, ...rest: [...Middleware[], Dialer]): Dialer;
  /** Dials, and counts how that ended as `who outcome`. What it brings stays open. */
  dial(who: string, dialer: Dialer, target: string, options?: DialOptions): Promise<unknown>;
  /** Does it again and again, with a wait in between, until the scenario is calm. */
  goOn(everyMs: number, step: () => Promise<unknown>): void;
}

/** One part of the scenario. */
export interface Part {
  /** Connections that it holds open, besides those that the stage dialed. */
  readonly open?: () => number;
  play(scraped: () => Promise<void>): Promise<void>;
  /** Called when what goes on and on is told to end; it need not have. */
  calm?(): void;
}
