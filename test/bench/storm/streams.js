// @ts-check

/**
 * A stream of numbers from 0 to 1 for each client, all decided by one seed. What one client draws depends on
 * no other, so that the order in which clients are served changes nothing. Mulberry32, one word a client.
 */
export class Streams {
  #states;

  /** The client whose numbers {@link next} yields. */
  current = 0;

  /** @param {number} clients @param {number} seed */
  constructor(clients, seed) {
    this.#states = new Uint32Array(clients);
    for (let client = 0; client < clients; client += 1) this.#states[client] = scatter(seed, client);
  }

  /** The next number of the current client. Bound, to be handed on as a `random`. */
  next = () => {
    const state = (Number(this.#states[this.current]) + 0x6d2b79f5) >>> 0;
    this.#states[this.current] = state;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };

  /**
   * The numbers of one client, whichever is the current one.
   * @param {number} client
   */
  of(client) {
    return () => {
      this.current = client;
      return this.next();
    };
  }
}

/** Far apart for neighbours: murmur3's finisher. @param {number} seed @param {number} client */
function scatter(seed, client) {
  let mixed = (Math.imul(client + 1, 0x9e3779b1) ^ Math.imul(seed + 1, 0x85ebca77)) >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
