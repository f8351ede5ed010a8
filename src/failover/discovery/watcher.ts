import { Cancel } from "../../async/cancel.ts";
import type { Clock } from "../../async/clock.ts";
import { wrongReturn } from "../../support/returned.ts";
import { notify } from "../../support/user-call.ts";
import type { DiscoveryContext, TargetList, TargetSource } from "./source.ts";

/** Why there is no list: `cause` is the error of the source; absent when the source ended without a list. */
export interface NoList {
  readonly cause?: unknown;
}

/** Resumes a waiting dial: without an argument there is a list. */
type Waiter = (none?: NoList) => void;

/** A source that is being read. */
interface Following {
  readonly cancel: Cancel;
  iterator?: AsyncIterator<TargetList>;
}

/**
 * Reads a source of target lists, from the first dial on. An error before the first list rejects the waiting dials, and
 * the next dial starts the source again. After the first list, an error emits a warning, and the last list is kept.
 */
export class Watcher {
  readonly #source: () => Promise<TargetSource>;
  readonly #onList: (list: TargetList) => void;
  readonly #waiters = new Set<Waiter>();
  #following: Following | undefined;
  #listed = false;
  #closed = false;

  /** @param onList - called with each list; throws when the list is malformed. */
  constructor(source: () => Promise<TargetSource>, onList: (list: TargetList) => void) {
    this.#source = source;
    this.#onList = onList;
  }

  /** Whether there was a list. */
  get listed(): boolean {
    return this.#listed;
  }

  /**
   * Waits for the first list; resolves with the reason when there is none. An abort ends the wait immediately and rejects
   * with its reason.
   */
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

  /** Ends reading. The last list stays; dials that wait for the first list get none. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#leave();
    this.#resume({});
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
        // A source that always has a next list must not block the event loop.
        turn = new Promise((resolve) => setImmediate(resolve));
      }
      if (!this.#listed) this.#failedToStart({});
    } catch (cause) {
      if (this.#closed) return;
      if (this.#listed) warnOf(cause);
      else this.#failedToStart({ cause });
    }
  }

  #take(list: TargetList): void {
    try {
      this.#onList(list);
    } catch (cause) {
      if (!this.#listed) throw cause;
      warnOf(cause);
      return;
    }
    this.#listed = true;
    this.#resume(undefined);
  }

  #failedToStart(none: NoList): void {
    this.#leave();
    this.#following = undefined;
    this.#resume(none);
  }

  #resume(none: NoList | undefined): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter(none);
  }

  /** Ends the source without waiting for it: it may be busy or broken. */
  #leave(): void {
    const { cancel, iterator } = this.#following ?? {};
    cancel?.abort(new Error("discovery has ended"));
    notify("a discovery of targets", () => iterator?.return?.());
  }
}

/** Emits a warning about an error for which there is no dial to reject. */
function warnOf(cause: unknown): void {
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
  throw wrongReturn("withFailover: discover", "must yield its lists as an async iterator does", result);
}
