import { Cancel } from "../core/cancel.ts";
import type { Clock } from "../core/clock.ts";
import { guarded } from "../core/hooks.ts";
import type { TargetList, TargetSource } from "./source.ts";

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
  readonly #source: () => TargetSource;
  readonly #onList: (list: TargetList) => void;
  readonly #waiters = new Set<Waiter>();
  #following: Following | undefined;
  #listed = false;
  #closed = false;

  /** @param onList - throws when the list is malformed. */
  constructor(source: () => TargetSource, onList: (list: TargetList) => void) {
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
      const source = this.#source();
      const lists = "watch" in source ? source.watch({ clock, signal: following.cancel.signal }) : source;
      const iterator = lists[Symbol.asyncIterator]();
      following.iterator = iterator;
      for (;;) {
        const { done, value } = await iterator.next();
        if (this.#closed) return;
        if (done === true) break;
        this.#take(value);
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
    const returned: unknown = guarded("a discovery of targets", () => iterator?.return?.());
    if (returned instanceof Promise) returned.catch(() => {});
  }
}

/** Nobody waits whom it could be told to. */
function complain(cause: unknown): void {
  guarded("a discovery of targets", () => {
    throw cause;
  });
}
