import { BoundedMap } from "../support/bounded-map.ts";

/** Names remembered; beyond it the one that won longest ago is forgotten. */
const maxHosts = 1000;

/** Which IP of each name connected last. */
export class WinnerMemory {
  readonly #winners = new BoundedMap<string, string>(maxHosts);

  of(host: string): string | undefined {
    return this.#winners.get(host);
  }

  remember(host: string, ip: string): void {
    this.#winners.set(host, ip);
  }
}
