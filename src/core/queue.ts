/** A place in a {@link Queue}; good for {@link Queue.remove}, once. */
export interface Place<T> {
  readonly item: T;
}

interface Node<T> extends Place<T> {
  before: Node<T> | undefined;
  after: Node<T> | undefined;
  /** Whose it is; nobody's once it has left. */
  queue: Queue<T> | undefined;
}

/** First in, first out, and out of the middle too: each in the same time, however many wait. */
export class Queue<T> {
  #size = 0;
  #first: Node<T> | undefined;
  #last: Node<T> | undefined;

  get size(): number {
    return this.#size;
  }

  /** What came first of all that is here. */
  get first(): T | undefined {
    return this.#first?.item;
  }

  push(item: T): Place<T> {
    const node: Node<T> = { item, before: this.#last, after: undefined, queue: this };
    if (this.#last === undefined) this.#first = node;
    else this.#last.after = node;
    this.#last = node;
    this.#size += 1;
    return node;
  }

  /** Takes out what came first. */
  shift(): T | undefined {
    const first = this.#first;
    if (first === undefined) return undefined;
    this.remove(first);
    return first.item;
  }

  /** Takes out what stands at `place`; `false` when it has left before. */
  remove(place: Place<T>): boolean {
    const node = place as Node<T>;
    if (node.queue !== this) return false;
    const { before, after } = node;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    // Whoever keeps the place must not keep what stood around it.
    node.before = undefined;
    node.after = undefined;
    node.queue = undefined;
    this.#size -= 1;
    return true;
  }
}
