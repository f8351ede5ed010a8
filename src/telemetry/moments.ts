import { BoundedMap } from "../support/bounded-map.ts";

/** Names whose moments are kept; beyond it the one told longest ago is dropped. */
const maxNames = 32;

/** The moments last told under each of a few names. */
export class Moments {
  readonly #seconds = new BoundedMap<string, number>(maxNames);

  tell(name: string, seconds: number): void {
    this.#seconds.set(name, seconds);
  }

  /** None before the first: zero would be a moment long past. */
  get earliest(): number | undefined {
    return this.#seconds.size === 0 ? undefined : Math.min(...this.#seconds.values());
  }
}
