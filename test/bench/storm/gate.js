// @ts-check
import { Breaker } from "../../../dist/breaker/breaker.js";
import { strategyMaker } from "../../../dist/breaker/rule.js";
import { waitMaker } from "../../../dist/breaker/wait.js";
import { parseTarget } from "../../../dist/index.js";

const target = parseTarget("server:4222");

/** A process' breaker, the package's own, driven as `withBreaker` drives it. */
export class Gate {
  #breaker;
  #clock;
  /** What attempts under way were let in as. @type {Map<number, { generation: number, isProbe: boolean }>} */
  #under = new Map();

  /** @param {import("../../../dist/index.js").Clock} clock @param {() => number} random */
  constructor(clock, random) {
    this.#clock = clock;
    this.#breaker = new Breaker(target, {
      newStrategy: strategyMaker({ consecutive: 5 }),
      newWait: waitMaker({ random }),
    });
  }

  /** Whether a client's attempt is let through; then it must be {@link ended}. @param {number} client */
  admit(client) {
    const admitted = this.#breaker.admit(this.#clock);
    if (admitted === undefined) return false;
    this.#under.set(client, { generation: this.#breaker.generation, isProbe: admitted === "probe" });
    return true;
  }

  /** @param {number} client @param {Error} [error] - what it failed with, if it has. */
  ended(client, error) {
    const entered = this.#under.get(client);
    if (entered === undefined) return;
    const { generation, isProbe } = entered;
    this.#under.delete(client);
    if (error === undefined) this.#breaker.succeeded(generation, this.#clock, undefined);
    else this.#breaker.failed(generation, error, this.#clock, undefined);
    if (isProbe) this.#breaker.leave(generation);
  }
}
