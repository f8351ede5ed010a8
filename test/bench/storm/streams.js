// @ts-check

/**
 * A stream of random numbers from 0 to 1 for each client, derived from one seed. The streams are independent, so the order
 * in which clients draw does not matter. The generator is Mulberry32, with one word of state per client.
 */
export class Streams {
  #states;

  /** The client whose stream {@link next} reads. */
  current = 0;

  /** @param {number} clients @param {number} seed */
  constructor(clients, seed) {
    this.#states = new Uint32Array(clients);
    for (let client = 0; client < clients; client += 1) this.#states[client] = scatter(seed, client);
  }

  /** The next number of the current client. A bound function, so that it can be passed as `random`. */
  next = () => {
    const state = (Number(this.#states[this.current]) + 0x6d2b79f5) >>> 0;
    this.#states[this.current] = state;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };

  /**
   * The stream of one client.
   * @param {number} client
   */
  of(client) {
    return () => {
      this.current = client;
      return this.next();
    };
  }
}

/** Spreads the seeds of neighboring clients (the finalizer of MurmurHash3). @param {number} seed @param {number} client */
function scatter(seed, client) {
  let mixed = (Math.imul(client + 1, 0x9e3779b1) ^ Math.imul(seed + 1, 0x85ebca77)) >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
