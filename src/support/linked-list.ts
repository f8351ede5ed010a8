/** What may be in a {@link LinkedList}, in one at a time. */
export interface Linked<T> {
  next: T | undefined;
  prev: T | undefined;
  /** Where it is. */
  list: object | undefined;
}

/** Keeps things in the order in which they came; each is let go of in the same time, wherever it stands. */
export class LinkedList<T extends Linked<T>> {
  size = 0;
  #oldest: T | undefined;
  #newest: T | undefined;

  /** What has been in it longest. */
  get oldest(): T | undefined {
    return this.#oldest;
  }

  /** What has come last. */
  get newest(): T | undefined {
    return this.#newest;
  }

  /** Takes in what is in no list. */
  add(item: T): void {
    item.list = this;
    item.prev = this.#newest;
    if (this.#newest === undefined) this.#oldest = item;
    else this.#newest.next = item;
    this.#newest = item;
    this.size += 1;
  }

  /** Takes out what has been in it longest. */
  shift(): T | undefined {
    const oldest = this.#oldest;
    if (oldest !== undefined) this.remove(oldest);
    return oldest;
  }

  /** Takes `item` out; `false` when it isn't here. */
  remove(item: T): boolean {
    if (item.list !== this) return false;
    const { next, prev } = item;
    if (next === undefined) this.#newest = prev;
    else next.prev = prev;
    if (prev === undefined) this.#oldest = next;
    else prev.next = next;
    // What is remembered must not hold on to what came before and after it.
    item.next = undefined;
    item.prev = undefined;
    item.list = undefined;
    this.size -= 1;
    return true;
  }

  /** From the oldest to the newest. Nothing may come or leave meanwhile. */
  *[Symbol.iterator](): Generator<T, void> {
    for (let item = this.#oldest; item !== undefined; item = item.next) yield item;
  }

  /** From the newest to the oldest. Nothing may come or leave meanwhile. */
  *newestFirst(): Generator<T, void> {
    for (let item = this.#newest; item !== undefined; item = item.prev) yield item;
  }
}
