/** An item of a {@link LinkedList}; it can be in one list at a time. */
export interface Linked<T> {
  next: T | undefined;
  prev: T | undefined;
  /** The list that holds the item. */
  list: object | undefined;
}

/** An intrusive doubly linked list in order of insertion. Removing an item takes constant time. */
export class LinkedList<T extends Linked<T>> {
  size = 0;
  #oldest: T | undefined;
  #newest: T | undefined;

  /** The item added first. */
  get oldest(): T | undefined {
    return this.#oldest;
  }

  /** The item added last. */
  get newest(): T | undefined {
    return this.#newest;
  }

  /** Adds an item that is in no list. */
  add(item: T): void {
    item.list = this;
    item.prev = this.#newest;
    if (this.#newest === undefined) this.#oldest = item;
    else this.#newest.next = item;
    this.#newest = item;
    this.size += 1;
  }

  /** Removes and returns the item added first. */
  shift(): T | undefined {
    const oldest = this.#oldest;
    if (oldest !== undefined) this.remove(oldest);
    return oldest;
  }

  /** Removes `item`. Returns `false` if it is not in this list. */
  remove(item: T): boolean {
    if (item.list !== this) return false;
    const { next, prev } = item;
    if (next === undefined) this.#newest = prev;
    else next.prev = prev;
    if (prev === undefined) this.#oldest = next;
    else prev.next = next;
    // A removed item must not keep its former neighbors alive.
    item.next = undefined;
    item.prev = undefined;
    item.list = undefined;
    this.size -= 1;
    return true;
  }

  /** Iterates from the oldest to the newest item. The list must not change meanwhile. */
  *[Symbol.iterator](): Generator<T, void> {
    for (let item = this.#oldest; item !== undefined; item = item.next) yield item;
  }

  /** Iterates from the newest to the oldest item. The list must not change meanwhile. */
  *newestFirst(): Generator<T, void> {
    for (let item = this.#newest; item !== undefined; item = item.prev) yield item;
  }
}
