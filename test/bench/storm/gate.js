// @ts-check
import { Breaker } from "../../../src/breaker/breaker.ts";
import { strategyMaker } from "../../../src/breaker/rule.ts";
import { waitMaker } from "../../../src/breaker/wait.ts";
import { parseTarget } from "../../../src/index.ts";

const target = parseTarget("server:4222");

/** A process' breaker, the package's own, driven as `withBreaker` drives it. */
export class Gate {
  #breaker;
  #clock;
  /** By client, the breaker's generation that its attempt was let in by. @type {Map<number, number>} */
  #under = new Map();

  /** @param {import("../../../src/index.ts").Clock} clock @param {() => number} random */
  constructor(clock, random) {
    this.#clock = clock;
    this.#breaker = new Breaker(target, {
      newStrategy: strategyMaker({ consecutive: 5 }),
      newWait: waitMaker({ random }),
    });
  }

  /** Whether a client's attempt is let through; then it must be {@link ended}. @param {number} client */
  admit(client) {
    if (this.#breaker.admit(this.#clock) === undefined) return false;
    this.#under.set(client, this.#breaker.generation);
    return true;
  }

  /** @param {number} client @param {Error} [error] - what it failed with, if it has. */
  ended(client, error) {
    const generation = this.#under.get(client);
    if (generation === undefined) return;
    this.#under.delete(client);
    if (error === undefined) this.#breaker.succeeded(generation, this.#clock, undefined);
    else this.#breaker.failed(generation, error, this.#clock, undefined);
  }
}
