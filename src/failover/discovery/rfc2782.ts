import type { SrvRecord } from "node:dns";

/**
 * Orders SRV records by priority, and those of one priority at random, with probabilities proportional to their weights.
 *
 * @see https://www.rfc-editor.org/rfc/rfc2782
 */
export function ordered(records: readonly SrvRecord[], random: () => number): readonly SrvRecord[] {
  // RFC 2782: records of weight 0 come first, which gives them a small chance of being drawn.
  const sorted = [...records].sort((a, b) => a.priority - b.priority || a.weight - b.weight);
  const order: SrvRecord[] = [];
  for (let start = 0; start < sorted.length; ) {
    const { priority } = sorted[start] as SrvRecord;
    let end = start;
    while (sorted[end]?.priority === priority) end += 1;
    draw(sorted.slice(start, end), random, order);
    start = end;
  }
  return order;
}

/** Draws the records of one priority in random order and appends them to `order`. */
function draw(level: readonly SrvRecord[], random: () => number, order: SrvRecord[]): void {
  const left = new RunningSums(level.map(({ weight }) => weight));
  const drawn = new Set<number>();
  let oldest = 0;
  while (drawn.size < level.length) {
    while (drawn.has(oldest)) oldest += 1;
    // A whole number from 0 to the sum, inclusive.
    const number = Math.floor(random() * (left.sum + 1));
    const index = number === 0 ? oldest : left.firstReaching(number);
    left.clear(index);
    drawn.add(index);
    order.push(level[index] as SrvRecord);
  }
}

/**
 * Running sums of weights that can be cleared. A Fenwick tree, because an answer may have ten thousand records, and summing
 * all weights for each draw takes quadratic time.
 *
 * @see https://doi.org/10.1002/spe.4380240306
 */
class RunningSums {
  readonly #weights: number[];
  readonly #tree: number[];
  readonly #top: number;
  #sum = 0;

  constructor(weights: readonly number[]) {
    this.#weights = [...weights];
    this.#tree = new Array(weights.length + 1).fill(0);
    this.#top = weights.length === 0 ? 0 : 2 ** Math.floor(Math.log2(weights.length));
    for (const [index, weight] of weights.entries()) this.#add(index, weight);
  }

  get sum(): number {
    return this.#sum;
  }

  /** Sets the weight at `index` to 0. */
  clear(index: number): void {
    this.#add(index, -(this.#weights[index] ?? 0));
    this.#weights[index] = 0;
  }

  /** Returns the first index whose running sum is at least `number`, which must be from 1 to {@link sum}. */
  firstReaching(number: number): number {
    let position = 0;
    let left = number;
    for (let step = this.#top; step >= 1; step /= 2) {
      const sum = this.#tree[position + step];
      if (sum !== undefined && sum < left) {
        position += step;
        left -= sum;
      }
    }
    return position;
  }

  #add(index: number, weight: number): void {
    this.#sum += weight;
    for (let node = index + 1; node < this.#tree.length; node += node & -node) {
      this.#tree[node] = (this.#tree[node] ?? 0) + weight;
    }
  }
}
