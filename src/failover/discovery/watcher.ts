import { Cancel } from "../../async/cancel.ts";
import type { Clock } from "../../async/clock.ts";
import { wrongReturn } from "../../support/returned.ts";
import { notify } from "../../support/user-call.ts";
import type { DiscoveryContext, TargetList, TargetSource } from "./source.ts";

/** That there is no list, and why: `cause` is absent when the source has just ended. */
export interface NoList {
  readonly cause?: unknown;
}

/** Hears, on behalf of a dial that waits, that there is a list, or none. */
type Waiter = (none?: NoList) => void;

/** A source that is being followed. */
interface Following {
  readonly cancel: Cancel;
  iterator?: AsyncIterator<TargetList>;
}

/**
 * Follows a source of targets from the first dial on. Before there is a list, what goes wrong is for the
 * dials that wait, and the next dial begins anew; afterwards the last list stays.
 */
export class Watcher {
  readonly #source: () => Promise<TargetSource>;
  readonly #onList: (list: TargetList) => void;
  readonly #waiters = new Set<Waiter>();
  #following: Following | undefined;
  #listed = false;
  #closed = false;

  /** @param onList - throws when the list is malformed. */
  constructor(source: () => Promise<TargetSource>, onList: (list: TargetList) => void) {
    this.#source = source;
    this.#onList = onList;
  }

  /** Whether there has been a list. */
  get listed(): boolean {
    return this.#listed;
  }

  /** Waits for the first list, or to hear that there is none. An abort ends the wait at once and rejects with its reason. */
  firstList(clock: Clock, cancel: Cancel | undefined): Promise<NoList | undefined> {
    if (cancel?.aborted) return Promise.reject(cancel.reason);
    if (this.#closed) return Promise.resolve({});
    return new Promise((resolve, reject) => {
      const waiter: Waiter = (none) => {
        cancel?.offAbort(onAbort);
        resolve(none);
      };
      const onAbort = () => {
        this.#waiters.delete(waiter);
        reject(cancel?.reason);
      };
      cancel?.onAbort(onAbort);
      this.#waiters.add(waiter);
      if (this.#following === undefined) void this.#follow(clock);
    });
  }

  /** Ends it. The last list stays; dials that wait for the first hear that there is none. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#leave();
    this.#tell({});
  }

  async #follow(clock: Clock): Promise<void> {
    const following: Following = { cancel: new Cancel() };
    this.#following = following;
    try {
      const source = await this.#source();
      if (this.#closed) return;
      const iterator = iteratorOf(source, { clock, signal: following.cancel.signal });
      following.iterator = iterator;
      let turn: Promise<unknown> | undefined;
      for (;;) {
        const [result] = await Promise.all([iterator.next(), turn]);
        const { done, value } = checkedResult(result);
        if (this.#closed) return;
        if (done === true) break;
        this.#take(value);
        // A source that never waits must not keep everything else from running.
        turn = new Promise((resolve) => setImmediate(resolve));
      }
      if (!this.#listed) this.#begunInVain({});
    } catch (cause) {
      if (this.#closed) return;
      if (this.#listed) complain(cause);
      else this.#begunInVain({ cause });
    }
  }

  #take(list: TargetList): void {
    try {
      this.#onList(list);
    } catch (cause) {
      if (!this.#listed) throw cause;
      complain(cause);
      return;
    }
    this.#listed = true;
    this.#tell(undefined);
  }

  #begunInVain(none: NoList): void {
    this.#leave();
    this.#following = undefined;
    this.#tell(none);
  }

  #tell(none: NoList | undefined): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter(none);
  }

  /** One that is busy, or broken, is not waited for. */
  #leave(): void {
    const { cancel, iterator } = this.#following ?? {};
    cancel?.abort(new Error("discovery has ended"));
    notify("a discovery of targets", () => iterator?.return?.());
  }
}

/** Nobody waits whom it could be told to. */
function complain(cause: unknown): void {
  notify("a discovery of targets", () => {
    throw cause;
  });
}

function iteratorOf(source: TargetSource, context: DiscoveryContext): AsyncIterator<TargetList> {
  const lists: unknown = "watch" in source ? source.watch(context) : source;
  const begin = (lists as Partial<AsyncIterable<TargetList>> | undefined | null)?.[Symbol.asyncIterator];
  if (typeof begin !== "function") {
    throw wrongReturn("withFailover: discover.watch()", "must return an async iterable of lists", lists);
  }
  const iterator: unknown = begin.call(lists);
  if (typeof (iterator as Partial<AsyncIterator<TargetList>> | undefined | null)?.next !== "function") {
    throw wrongReturn("withFailover: discover", "must return an iterator with next()", iterator);
  }
  return iterator as AsyncIterator<TargetList>;
}

function checkedResult(result: unknown): IteratorResult<TargetList> {
  if (typeof result === "object" && result !== null) return result as IteratorResult<TargetList>;
  throw wrongReturn("withFailover: discover", "must give its lists as an async iterator does", result);
}
