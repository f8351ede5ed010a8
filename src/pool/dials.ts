import type { Duplex } from "node:stream";
import { Cancel } from "../async/cancel.ts";
import { DialError } from "../core/errors.ts";
import type { Target } from "../core/target.ts";
import type { DialTrace } from "../core/trace.ts";
import type { DialContext, Run } from "../engine/context.ts";
import { type Linked, LinkedList } from "../support/linked-list.ts";
import type { Waiter } from "./waiters.ts";

/** What becomes of the dials of {@link Dials}. Called when the dial has given up its place. */
export interface DialsOwner<C extends Duplex> {
  /** @param madeFor - the hooks as they were given with the dial. */
  dialed(conn: C, madeFor: DialTrace | undefined, warm: boolean): void;
  dialFailed(error: unknown, warm: boolean): void;
  /** One that was aborted has ended. */
  dialEnded(): void;
}

interface Dial<C extends Duplex> extends Linked<Dial<C>> {
  readonly cancel: Cancel;
  /** For whom it was begun, while he waits. */
  waiter: Waiter<C> | undefined;
  readonly warm: boolean;
  aborted: boolean;
}

/** The dials of one target that are under way. None is tied to the one whom it was begun for: what it brings goes by turns. */
export class Dials<C extends Duplex> {
  readonly #target: Target;
  readonly #run: Run<C>;
  readonly #owner: DialsOwner<C>;
  readonly #live = new Set<Dial<C>>();
  readonly #own = new Map<Waiter<C>, Dial<C>>();
  /** Those whose waiters have left, the last to leave last. */
  readonly #left = new LinkedList<Dial<C>>();
  #ending = 0;

  constructor(target: Target, run: Run<C>, owner: DialsOwner<C>) {
    this.#target = target;
    this.#run = run;
    this.#owner = owner;
  }

  /** Those that may bring a connection. */
  get size(): number {
    return this.#live.size;
  }

  /** All, with those that are aborted and have yet to end: they hold their place until then. */
  get places(): number {
    return this.#live.size + this.#ending;
  }

  /** Begins one, for a waiter or for nobody. */
  start(context: DialContext<C>, waiter: Waiter<C> | undefined): void {
    const dial: Dial<C> = {
      cancel: new Cancel(),
      waiter,
      warm: waiter === undefined,
      aborted: false,
      next: undefined,
      prev: undefined,
      list: undefined,
    };
    this.#live.add(dial);
    if (waiter !== undefined) this.#own.set(waiter, dial);
    const madeFor = waiter?.caller.trace;
    this.#run(this.#target, { ...context, cancel: dial.cancel }).then(
      (conn) => {
        if (!this.#ended(dial)) return;
        // A hook that was told of it may have destroyed it.
        if (conn.destroyed) this.#owner.dialFailed(closedError(this.#target), dial.warm);
        else this.#owner.dialed(conn, madeFor, dial.warm);
      },
      (error) => {
        if (this.#ended(dial)) this.#owner.dialFailed(error, dial.warm);
      },
    );
  }

  /** The first for whom none is under way that was begun for him. */
  firstWithout(waiters: Iterable<Waiter<C>>): Waiter<C> | undefined {
    for (const waiter of waiters) if (!this.#own.has(waiter)) return waiter;
    return undefined;
  }

  /** He waits no longer; the dial that was begun for him goes on. */
  leave(waiter: Waiter<C>): void {
    const dial = this.#own.get(waiter);
    if (dial === undefined) return;
    this.#own.delete(waiter);
    dial.waiter = undefined;
    this.#left.add(dial);
  }

  /** Aborts the dial whose waiter has left last. */
  abortSpare(reason: unknown): void {
    const { newest } = this.#left;
    if (newest !== undefined) this.#abort(newest, reason);
  }

  abortAll(reason: unknown): void {
    for (const dial of [...this.#live]) this.#abort(dial, reason);
  }

  #abort(dial: Dial<C>, reason: unknown): void {
    this.#forget(dial);
    dial.aborted = true;
    this.#ending += 1;
    dial.cancel.abort(reason);
  }

  /** Gives the dial's place up; tells whether what it came to counts. */
  #ended(dial: Dial<C>): boolean {
    if (!dial.aborted) {
      this.#forget(dial);
      return true;
    }
    this.#ending -= 1;
    this.#owner.dialEnded();
    return false;
  }

  #forget(dial: Dial<C>): void {
    this.#live.delete(dial);
    if (dial.waiter !== undefined) this.#own.delete(dial.waiter);
    else if (!dial.warm) this.#left.remove(dial);
  }
}

function closedError(target: Target): DialError {
  return new DialError(`dial ${target}: closed before it was ready`, { reason: "handshake_closed", target });
}
