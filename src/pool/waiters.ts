import type { AsyncResource } from "node:async_hooks";
import type { Duplex } from "node:stream";
import type { Clock } from "../async/clock.ts";
import { Deadline } from "../async/deadline.ts";
import type { DialTrace } from "../core/trace.ts";
import type { DialContext } from "../engine/context.ts";
import { type Linked, LinkedList } from "../support/linked-list.ts";
import type { Lease } from "./lease.ts";

/** One call of `acquire`. */
export interface Caller<C extends Duplex> {
  readonly context: DialContext<C>;
  /** The `trace` option as given: it identifies the hooks. */
  readonly trace: DialTrace | undefined;
  /** When acquire was called. */
  readonly since: number;
  /**
   * The async context of the call: `acquireDone` runs in it, so that observers find the span of the caller rather than
   * that of the release that served it.
   */
  place: AsyncResource | undefined;
}

/** An acquire that waits for a connection. */
export interface Waiter<C extends Duplex> extends Linked<Waiter<C>> {
  readonly caller: Caller<C>;
  resolve(lease: Lease<C>): void;
  reject(error: unknown): void;
  /** Registered on the cancel of the acquire while it waits. */
  readonly onAbort: () => void;
}

/**
 * The queue of waiting acquires, in the order of the calls. All have the same timeout, so the head of the queue is the
 * first to expire, and one timer serves the whole queue.
 */
export class Waiters<C extends Duplex> {
  readonly #list = new LinkedList<Waiter<C>>();
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #onTimeout: (waiter: Waiter<C>, lateByMs: number) => void;
  #deadline: Deadline | undefined;

  /** @param onTimeout - must remove the waiter. */
  constructor(clock: Clock, timeoutMs: number, onTimeout: (waiter: Waiter<C>, lateByMs: number) => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#onTimeout = onTimeout;
  }

  get size(): number {
    return this.#list.size;
  }

  /** The head of the queue. */
  get first(): Waiter<C> | undefined {
    return this.#list.oldest;
  }

  add(waiter: Waiter<C>): void {
    this.#list.add(waiter);
    waiter.caller.context.cancel?.onAbort(waiter.onAbort);
    if (this.#deadline !== undefined) return;
    try {
      this.#arm(this.#clock.now());
    } catch (error) {
      this.remove(waiter);
      throw error;
    }
  }

  /** Removes a waiter, and the timer with the last one. */
  remove(waiter: Waiter<C>): void {
    this.#list.remove(waiter);
    waiter.caller.context.cancel?.offAbort(waiter.onAbort);
    if (this.#list.size > 0 || this.#deadline === undefined) return;
    this.#deadline.clear();
    this.#deadline = undefined;
  }

  [Symbol.iterator](): Iterator<Waiter<C>> {
    return this.#list[Symbol.iterator]();
  }

  #arm(now: number): void {
    const { first } = this;
    if (first === undefined || this.#timeoutMs === Number.POSITIVE_INFINITY) return;
    const leftMs = Math.max(0, first.caller.since + this.#timeoutMs - now);
    this.#deadline = new Deadline(this.#clock, leftMs, (lateByMs) => this.#expire(lateByMs > 0));
  }

  /** Expires every waiter that is due. The one that the timer was set for may have been served since. */
  #expire(late: boolean): void {
    const now = this.#clock.now();
    for (let { first } = this; first !== undefined && first.caller.since + this.#timeoutMs <= now; { first } = this) {
      this.#onTimeout(first, late ? Math.round(now - first.caller.since - this.#timeoutMs) : 0);
    }
    this.#deadline = undefined;
    this.#arm(now);
  }
}
