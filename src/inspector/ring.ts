/** A ring buffer of the last `size` items. */
export class Ring<T> {
  readonly #size: number;
  readonly #items: T[] = [];
  /** Index of the next item: that of the oldest, once the buffer is full. */
  #next = 0;

  constructor(size: number) {
    this.#size = size;
  }

  push(item: T): void {
    if (this.#size === 0) return;
    this.#items[this.#next] = item;
    this.#next = (this.#next + 1) % this.#size;
  }

  /** Returns the items, oldest first. */
  values(): T[] {
    const { length } = this.#items;
    if (length < this.#size) return [...this.#items];
    return [...this.#items.slice(this.#next), ...this.#items.slice(0, this.#next)];
  }
}
