// @ts-check
import { Breaker } from "../../../src/breaker/breaker.ts";
import { strategyMaker } from "../../../src/breaker/rule.ts";
import { waitMaker } from "../../../src/breaker/wait.ts";
import { parseTarget } from "../../../src/index.ts";

const target = parseTarget("server:4222");

/** The package's own breaker for the clients of one process, called as `withBreaker` calls it. */
export class Gate {
  #breaker;
  #clock;
  /** The generation of the breaker when it admitted the attempt of a client. @type {Map<number, number>} */
  #under = new Map();

  /** @param {import("../../../src/index.ts").Clock} clock @param {() => number} random */
  constructor(clock, random) {
    this.#clock = clock;
    this.#breaker = new Breaker(target, {
      newStrategy: strategyMaker({ consecutive: 5 }),
      newWait: waitMaker({ random }),
    });
  }

  /** Whether the breaker admits an attempt. An admitted attempt must be reported by {@link ended}. @param {number} client */
  admit(client) {
    if (this.#breaker.admit(this.#clock) === undefined) return false;
    this.#under.set(client, this.#breaker.generation);
    return true;
  }

  /** @param {number} client @param {Error} [error] - the error of a failed attempt. */
  ended(client, error) {
    const generation = this.#under.get(client);
    if (generation === undefined) return;
    this.#under.delete(client);
    if (error === undefined) this.#breaker.succeeded(generation, this.#clock, undefined);
    else this.#breaker.failed(generation, error, this.#clock, undefined);
  }
}
