import type { AsyncResource } from "node:async_hooks";
import type { Duplex } from "node:stream";
import type { Clock } from "../async/clock.ts";
import { Deadline } from "../async/deadline.ts";
import type { DialTrace } from "../core/trace.ts";
import type { DialContext } from "../engine/context.ts";
import { type Linked, LinkedList } from "../support/linked-list.ts";
import type { Lease } from "./lease.ts";

/** Who asked for a connection, and how he would have it dialed. */
export interface Caller<C extends Duplex> {
  readonly context: DialContext<C>;
  /** The hooks as he gave them, by which they are known again. */
  readonly trace: DialTrace | undefined;
  /** When he asked. */
  readonly since: number;
  /** Where he asked: an observer looks for his span there, not with whoever gives back what he gets. */
  place: AsyncResource | undefined;
}

/** One who waits for a connection. */
export interface Waiter<C extends Duplex> extends Linked<Waiter<C>> {
  readonly caller: Caller<C>;
  resolve(lease: Lease<C>): void;
  reject(error: unknown): void;
  /** Is on his cancel as long as he waits. */
  readonly onAbort: () => void;
}

/**
 * Those who wait for a connection, first come first served. All may wait equally long, so whoever has waited
 * longest is the first whose time is up: one timer serves them all.
 */
export class Waiters<C extends Duplex> {
  readonly #list = new LinkedList<Waiter<C>>();
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #onTimeout: (waiter: Waiter<C>, lateByMs: number) => void;
  #deadline: Deadline | undefined;

  /** @param onTimeout - is to remove the waiter. */
  constructor(clock: Clock, timeoutMs: number, onTimeout: (waiter: Waiter<C>, lateByMs: number) => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#onTimeout = onTimeout;
  }

  get size(): number {
    return this.#list.size;
  }

  /** The one whose turn it is. */
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

  /** Lets go of one who waits no longer. */
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

  /** The timer was set for one who may have been served since; those after him have time left. */
  #expire(late: boolean): void {
    const now = this.#clock.now();
    for (let { first } = this; first !== undefined && first.caller.since + this.#timeoutMs <= now; { first } = this) {
      this.#onTimeout(first, late ? Math.round(now - first.caller.since - this.#timeoutMs) : 0);
    }
    this.#deadline = undefined;
    this.#arm(now);
  }
}
