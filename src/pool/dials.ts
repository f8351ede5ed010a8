import type { Duplex } from "node:stream";
import { Cancel } from "../async/cancel.ts";
import type { Clock } from "../async/clock.ts";
import { DialError } from "../core/errors.ts";
import type { Target } from "../core/target.ts";
import type { DialTrace } from "../core/trace.ts";
import type { DialContext, Run } from "../engine/context.ts";
import { type Linked, LinkedList } from "../support/linked-list.ts";
import type { Waiter } from "./waiter.ts";

/** Receives the results of {@link Dials}. Each method is called after the dial has freed its place. */
export interface DialsOwner<C extends Duplex> {
  /** @param madeFor - the `trace` option of the acquire that started the dial. */
  dialed(conn: C, madeFor: DialTrace | undefined, background: boolean): void;
  dialFailed(error: unknown, background: boolean): void;
  /** An aborted dial has ended. */
  dialEnded(): void;
}

interface Dial<C extends Duplex> extends Linked<Dial<C>> {
  readonly cancel: Cancel;
  /** The waiter that the dial was started for, while it waits. */
  waiter: Waiter<C> | undefined;
  readonly background: boolean;
  aborted: boolean;
}

/** The dials in progress to one target. A dial is not tied to its waiter: the head of the queue gets its result. */
export class Dials<C extends Duplex> {
  readonly #target: Target;
  readonly #run: Run<C>;
  readonly #owner: DialsOwner<C>;
  readonly #live = new Set<Dial<C>>();
  readonly #byWaiter = new Map<Waiter<C>, Dial<C>>();
  /** Dials whose waiters have left, in the order in which they left. */
  readonly #spare = new LinkedList<Dial<C>>();
  /** Aborted dials that have not ended yet. */
  #ending = 0;

  constructor(target: Target, run: Run<C>, owner: DialsOwner<C>) {
    this.#target = target;
    this.#run = run;
    this.#owner = owner;
  }

  /** Dials in progress, without the aborted ones. */
  get size(): number {
    return this.#live.size;
  }

  /** Dials that count towards `maxOpen`: an aborted dial holds its place until it has ended. */
  get places(): number {
    return this.#live.size + this.#ending;
  }

  /** Starts a dial with the options of the waiter's acquire. It may outlive the dial in which acquire was called. */
  startFor(waiter: Waiter<C>, clock: Clock): void {
    const own = { clock, state: undefined, insideRetry: false, surround: undefined };
    this.#start({ ...waiter.caller.context, ...own }, waiter);
  }

  /** Starts a dial that no waiter needs. */
  startInBackground(context: DialContext<C>): void {
    this.#start(context, undefined);
  }

  /** The first waiter without a dial of its own. */
  firstWithout(waiters: Iterable<Waiter<C>>): Waiter<C> | undefined {
    for (const waiter of waiters) if (!this.#byWaiter.has(waiter)) return waiter;
    return undefined;
  }

  /** Separates a waiter from its dial, which continues. */
  leave(waiter: Waiter<C>): void {
    const dial = this.#byWaiter.get(waiter);
    if (dial === undefined) return;
    this.#byWaiter.delete(waiter);
    dial.waiter = undefined;
    this.#spare.add(dial);
  }

  /** Aborts the dial whose waiter left last. */
  abortSpare(reason: unknown): void {
    const { newest } = this.#spare;
    if (newest !== undefined) this.#abort(newest, reason);
  }

  abortAll(reason: unknown): void {
    for (const dial of [...this.#live]) this.#abort(dial, reason);
  }

  #start(context: DialContext<C>, waiter: Waiter<C> | undefined): void {
    const dial: Dial<C> = {
      cancel: new Cancel(),
      waiter,
      background: waiter === undefined,
      aborted: false,
      next: undefined,
      prev: undefined,
      list: undefined,
    };
    this.#live.add(dial);
    if (waiter !== undefined) this.#byWaiter.set(waiter, dial);
    const madeFor = waiter?.caller.trace;
    this.#run(this.#target, { ...context, cancel: dial.cancel }).then(
      (conn) => {
        if (!this.#ended(dial)) return;
        // A hook of the dial may have destroyed the connection.
        if (conn.destroyed) this.#owner.dialFailed(closedError(this.#target), dial.background);
        else this.#owner.dialed(conn, madeFor, dial.background);
      },
      (error) => {
        if (this.#ended(dial)) this.#owner.dialFailed(error, dial.background);
      },
    );
  }

  #abort(dial: Dial<C>, reason: unknown): void {
    this.#forget(dial);
    dial.aborted = true;
    this.#ending += 1;
    dial.cancel.abort(reason);
  }

  /** Frees the dial's place. Returns whether its result counts: that of an aborted dial does not. */
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
    if (dial.waiter !== undefined) this.#byWaiter.delete(dial.waiter);
    else if (!dial.background) this.#spare.remove(dial);
  }
}

function closedError(target: Target): DialError {
  return new DialError(`dial ${target}: the connection closed before it was ready`, {
    reason: "handshake_closed",
    target,
  });
}
