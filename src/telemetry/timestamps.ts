import { BoundedMap } from "../support/bounded-map.ts";

/** Maximum number of names. Beyond it, the name updated longest ago is dropped. */
const maxNames = 32;

/** The latest timestamp of each of a few names. */
export class Timestamps {
  readonly #seconds = new BoundedMap<string, number>(maxNames);

  set(name: string, seconds: number): void {
    this.#seconds.set(name, seconds);
  }

  /** The earliest of the timestamps, or `undefined` if there are none: zero would be a date long past. */
  get earliest(): number | undefined {
    return this.#seconds.size === 0 ? undefined : Math.min(...this.#seconds.values());
  }
}
