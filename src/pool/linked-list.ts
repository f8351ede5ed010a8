/** What may be in a {@link LinkedList}; in one at a time. */
export interface Linked<T> {
  previous: T | undefined;
  next: T | undefined;
}

/** A list that anything in it leaves in constant time, wherever it stands. */
export class LinkedList<T extends Linked<T>> {
  #oldest: T | undefined;
  #newest: T | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** What has been in it longest. */
  get oldest(): T | undefined {
    return this.#oldest;
  }

  /** What has come last. */
  get newest(): T | undefined {
    return this.#newest;
  }

  add(item: T): void {
    item.previous = this.#newest;
    if (this.#newest === undefined) this.#oldest = item;
    else this.#newest.next = item;
    this.#newest = item;
    this.#size += 1;
  }

  /** Takes out what is in it. */
  remove(item: T): void {
    if (item.previous === undefined) this.#oldest = item.next;
    else item.previous.next = item.next;
    if (item.next === undefined) this.#newest = item.previous;
    else item.next.previous = item.previous;
    item.previous = undefined;
    item.next = undefined;
    this.#size -= 1;
  }

  /** From the oldest to the newest. Nothing may leave or come meanwhile. */
  *[Symbol.iterator](): Generator<T, void> {
    for (let item = this.#oldest; item !== undefined; item = item.next) yield item;
  }
}
