import { BoundedMap } from "../support/bounded-map.ts";

/** Maximum number of names; the least recently updated is dropped first. */
const maxHosts = 1000;

/** The address of each name that connected last. */
export class WinnerMemory {
  readonly #winners = new BoundedMap<string, string>(maxHosts);

  /** The IP that connected last, if there is one. */
  of(host: string): string | undefined {
    return this.#winners.get(host);
  }

  /** Stores the IP that connected. */
  remember(host: string, ip: string): void {
    this.#winners.set(host, ip);
  }
}
