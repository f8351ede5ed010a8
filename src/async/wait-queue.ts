import { type Linked, LinkedList } from "../support/linked-list.ts";
import type { Cancel } from "./cancel.ts";
import { startUnattended } from "./checked-clock.ts";
import type { Clock } from "./clock.ts";
import { Deadline } from "./deadline.ts";

/** An item of a {@link WaitQueue}. */
export interface Waiting<W> extends Linked<W> {
  readonly cancel: Cancel | undefined;
  readonly clock: Clock;
  /** When the wait began, by `clock`. */
  readonly since: number;
  /** Called when `cancel` aborts during the wait. It must remove the waiter. */
  readonly onAbort: () => void;
}

/** The timeout of every wait in a {@link WaitQueue}. */
export interface WaitTimeout<W> {
  /** Milliseconds, 1 to 2^31-1, or `Infinity` for none. */
  readonly timeoutMs: number;
  /** Called for each waiter whose wait has timed out. It must remove the waiter. */
  onTimeout(waiter: W, lateByMs: number): void;
}

/**
 * A queue in order of arrival. It holds a listener for each waiter with a cancel, and at most one timer; a queue without
 * waiters holds none. All waits have the same timeout, so the head of the queue is the first to expire, and one timer
 * serves the whole queue.
 */
export class WaitQueue<W extends Waiting<W>> {
  readonly #list = new LinkedList<W>();
  readonly #timeout: WaitTimeout<W> | undefined;
  #timer: Deadline | undefined;

  constructor(timeout?: WaitTimeout<W>) {
    if (timeout?.timeoutMs !== Number.POSITIVE_INFINITY) this.#timeout = timeout;
  }

  get size(): number {
    return this.#list.size;
  }

  /** The head of the queue. */
  get first(): W | undefined {
    return this.#list.oldest;
  }

  /** Adds a waiter. If its cancel is aborted already, calls its `onAbort` immediately. */
  add(waiter: W): void {
    this.#list.add(waiter);
    waiter.cancel?.onAbort(waiter.onAbort);
    try {
      this.#watch(waiter.clock);
    } catch (error) {
      // A user's clock that throws must leave no waiter in the queue.
      this.remove(waiter);
      throw error;
    }
  }

  /** Removes a waiter, and the timer with the last one. */
  remove(waiter: W): void {
    this.#list.remove(waiter);
    waiter.cancel?.offAbort(waiter.onAbort);
    if (this.#list.size > 0 || this.#timer === undefined) return;
    this.#timer.clear();
    this.#timer = undefined;
  }

  /** Removes and returns the head of the queue. */
  shift(): W | undefined {
    const { first } = this;
    if (first !== undefined) this.remove(first);
    return first;
  }

  /**
   * Calls `wake` in `ms` milliseconds, unless a call is scheduled already or the queue becomes empty. For queues without
   * a timeout.
   */
  wakeIn(ms: number, clock: Clock, wake: (lateByMs: number) => void): void {
    if (this.#timer !== undefined) return;
    const onTime = (lateByMs: number) => {
      this.#timer = undefined;
      wake(lateByMs);
    };
    // Whole milliseconds, as timers have; rounded up, so that one timer is enough.
    this.#timer = new Deadline(clock, Math.max(1, Math.ceil(ms)), onTime);
  }

  [Symbol.iterator](): Iterator<W> {
    return this.#list[Symbol.iterator]();
  }

  /** Starts the timer for the head of the queue, unless it is running. */
  #watch(clock: Clock): void {
    const { first } = this;
    if (first === undefined || this.#timeout === undefined || this.#timer !== undefined) return;
    const leftMs = this.#timeout.timeoutMs - (first.clock.now() - first.since);
    this.wakeIn(leftMs, clock, (lateByMs) => this.#expire(this.#timeout as WaitTimeout<W>, lateByMs > 0));
  }

  /** Expires every waiter that is due. The waiter that the timer was set for may have been served since. */
  #expire(timeout: WaitTimeout<W>, isLate: boolean): void {
    for (let { first } = this; first !== undefined; { first } = this) {
      const overdueMs = first.clock.now() - first.since - timeout.timeoutMs;
      if (overdueMs < 0) break;
      timeout.onTimeout(first, isLate ? Math.round(overdueMs) : 0);
    }
    const { first } = this;
    if (first !== undefined) startUnattended(first.clock, (clock) => this.#watch(clock));
  }
}
