import type { Duplex } from "node:stream";
import type { Clock } from "../async/clock.ts";
import { Deadline } from "../async/deadline.ts";
import type { Limit } from "../core/event-values.ts";
import type { Target } from "../core/target.ts";
import { type Linked, LinkedList } from "../support/linked-list.ts";
import type { DialContext } from "./context.ts";
import { outcomeOf } from "./outcome.ts";

/** A dial that waits for its turn. */
export interface Waiter extends Linked<Waiter> {
  readonly target: Target;
  readonly clock: Clock;
  /** When it came, by its clock. */
  readonly since: number;
  /** Lets it go on. */
  admit(): void;
  /** Ends its dial. */
  refuse(error: unknown): void;
}

/**
 * Dials that wait for their turn at a limit, first come, first served. It tells their hooks of the wait and
 * lets aborted ones go. It has one timer at most, and none when nobody waits.
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

  /** Who is next. */
  get first(): Waiter | undefined {
    return this.#queue.oldest;
  }

  /** Takes out who is next. */
  shift(): Waiter | undefined {
    const waiter = this.#queue.shift();
    this.#rest();
    return waiter;
  }

  /**
   * Resolves when the dial is admitted; rejects when it is refused, and with the abort's reason. Who was admitted
   * has got its turn, even if it finds that it was aborted meanwhile.
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

  /** Calls `wake` in `ms` milliseconds, unless that is arranged already or nobody waits any more. */
  wakeIn(ms: number, clock: Clock, wake: (lateByMs: number) => void): void {
    if (this.#timer !== undefined) return;
    const onTime = (lateByMs: number) => {
      this.#timer = undefined;
      wake(lateByMs);
    };
    // Whole milliseconds, as timers have; a little late rather than once more for the rest.
    this.#timer = new Deadline(clock, Math.max(1, Math.ceil(ms)), onTime);
  }

  #rest(): void {
    if (this.#timer === undefined || this.#queue.size > 0) return;
    this.#timer.clear();
    this.#timer = undefined;
  }
}
