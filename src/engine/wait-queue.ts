import type { Duplex } from "node:stream";
import type { Clock } from "../async/clock.ts";
import { Deadline } from "../async/deadline.ts";
import type { Limit } from "../core/event-values.ts";
import type { Target } from "../core/target.ts";
import { type Linked, LinkedList } from "../support/linked-list.ts";
import type { DialContext } from "./context.ts";
import { outcomeOf } from "./outcome.ts";

/** A dial that waits to be admitted. */
export interface Waiter extends Linked<Waiter> {
  readonly target: Target;
  readonly clock: Clock;
  /** When the wait began, by the dial's clock. */
  readonly since: number;
  /** Admits the dial. */
  admit(): void;
  /** Rejects the dial. */
  refuse(error: unknown): void;
}

/**
 * Dials that wait at a limit, first come, first served. Reports each wait to the dial's hooks and removes aborted
 * dials. Has at most one timer, and none while the queue is empty.
 */
export class WaitQueue {
  readonly #limit: Limit;
  readonly #queue = new LinkedList<Waiter>();
  #timer: Deadline | undefined;

  constructor(limit: Limit) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#queue.size;
  }

  /** The dial at the head of the queue. */
  get first(): Waiter | undefined {
    return this.#queue.oldest;
  }

  /** Removes and returns the dial at the head of the queue. */
  shift(): Waiter | undefined {
    const waiter = this.#queue.shift();
    this.#rest();
    return waiter;
  }

  /**
   * Resolves when the dial is admitted; rejects when it is refused, or with the abort's reason. An admitted dial is no
   * longer in the queue, even if it was aborted at the same time.
   */
  async wait<C extends Duplex>(target: Target, context: DialContext<C>): Promise<void> {
    const { cancel, trace, clock } = context;
    const since = clock.now();
    let onAbort = () => {};
    try {
      await new Promise<void>((admit, refuse) => {
        const waiter = { target, clock, since, admit, refuse, next: undefined, prev: undefined, list: undefined };
        this.#queue.add(waiter);
        onAbort = () => {
          this.#queue.remove(waiter);
          this.#rest();
          refuse(cancel?.reason);
        };
        cancel?.onAbort(onAbort);
      });
    } catch (thrown) {
      trace?.limitWait?.({
        target,
        limit: this.#limit,
        durationMs: clock.now() - since,
        ...outcomeOf(thrown, cancel),
      });
      throw thrown;
    } finally {
      cancel?.offAbort(onAbort);
    }
    trace?.limitWait?.({ target, limit: this.#limit, durationMs: clock.now() - since, outcome: "success" });
  }

  /** Calls `wake` in `ms` milliseconds, unless a call is scheduled already or the queue becomes empty. */
  wakeIn(ms: number, clock: Clock, wake: (lateByMs: number) => void): void {
    if (this.#timer !== undefined) return;
    const onTime = (lateByMs: number) => {
      this.#timer = undefined;
      wake(lateByMs);
    };
    // Whole milliseconds, as timers have; rounded up, so that one timer is enough.
    this.#timer = new Deadline(clock, Math.max(1, Math.ceil(ms)), onTime);
  }

  #rest(): void {
    if (this.#timer === undefined || this.#queue.size > 0) return;
    this.#timer.clear();
    this.#timer = undefined;
  }
}
