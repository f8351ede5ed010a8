// @ts-check

/** Children per node. With four, a step down reads one cache line, and there are half as many steps as with two. */
const width = 4;

/**
 * A priority queue of numbers by time, earliest first. It is a heap in two flat arrays: a million clients have a million
 * entries, and one object per entry would be most of the work.
 */
export class EventQueue {
  #times;
  #values;
  #size = 0;

  /** @param {number} capacity - the greatest number of entries. */
  constructor(capacity) {
    this.#times = new Float64Array(capacity);
    this.#values = new Uint32Array(capacity);
  }

  get size() {
    return this.#size;
  }

  /** Time of the earliest entry; `Infinity` if the queue is empty. */
  get nextAt() {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : /** @type {number} */ (this.#times[0]);
  }

  /** @param {number} at @param {number} value */
  push(at, value) {
    if (this.#size === this.#times.length) throw new RangeError(`the queue is full: it holds ${this.#size}`);
    const times = this.#times;
    const values = this.#values;
    let index = this.#size;
    this.#size += 1;
    while (index > 0) {
      const parent = (index - 1) >> 2;
      const above = /** @type {number} */ (times[parent]);
      if (above <= at) break;
      times[index] = above;
      values[index] = /** @type {number} */ (values[parent]);
      index = parent;
    }
    times[index] = at;
    values[index] = value;
  }

  /** Removes the earliest entry and returns its value. */
  pop() {
    if (this.#size === 0) throw new RangeError("the queue is empty");
    const times = this.#times;
    const values = this.#values;
    const first = /** @type {number} */ (values[0]);
    this.#size -= 1;
    const size = this.#size;
    const at = /** @type {number} */ (times[size]);
    const value = /** @type {number} */ (values[size]);
    let index = 0;
    for (let child = 1; child < size; child = index * width + 1) {
      const end = Math.min(child + width, size);
      let least = child;
      for (let other = child + 1; other < end; other += 1) {
        if (/** @type {number} */ (times[other]) < /** @type {number} */ (times[least])) least = other;
      }
      if (/** @type {number} */ (times[least]) >= at) break;
      times[index] = /** @type {number} */ (times[least]);
      values[index] = /** @type {number} */ (values[least]);
      index = least;
    }
    times[index] = at;
    values[index] = value;
    return first;
  }
}
