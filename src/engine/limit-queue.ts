import type { Duplex } from "node:stream";
import { type Waiting, WaitQueue, type WaitTimeout } from "../async/wait-queue.ts";
import type { Limit } from "../core/event-values.ts";
import type { Target } from "../core/target.ts";
import type { DialContext } from "./context.ts";
import { outcomeOf } from "./outcome.ts";

/** A dial that waits to be admitted. */
export interface WaitingDial extends Waiting<WaitingDial> {
  readonly target: Target;
  /** Admits the dial. */
  admit(): void;
  /** Rejects the dial. */
  refuse(error: unknown): void;
}

/** Dials that wait at a limit. Reports each wait to the dial's hooks, and removes aborted dials. */
export class LimitQueue extends WaitQueue<WaitingDial> {
  readonly #limit: Limit;

  constructor(limit: Limit, timeout?: WaitTimeout<WaitingDial>) {
    super(timeout);
    this.#limit = limit;
  }

  /**
   * Resolves when the dial is admitted; rejects when it is refused, or with the abort's reason. An admitted dial is no
   * longer in the queue, even if it was aborted at the same time.
   */
  async wait<C extends Duplex>(target: Target, { cancel, trace, clock }: DialContext<C>): Promise<void> {
    const since = clock.now();
    try {
      await new Promise<void>((admit, refuse) => {
        const onAbort = () => {
          this.remove(waiter);
          refuse(cancel?.reason);
        };
        const links = { next: undefined, prev: undefined, list: undefined };
        const waiter: WaitingDial = { target, cancel, clock, since, admit, refuse, onAbort, ...links };
        this.add(waiter);
      });
    } catch (thrown) {
      const durationMs = clock.now() - since;
      trace?.limitWait?.({ target, limit: this.#limit, durationMs, ...outcomeOf(thrown, cancel) });
      throw thrown;
    }
    trace?.limitWait?.({ target, limit: this.#limit, durationMs: clock.now() - since, outcome: "success" });
  }
}
