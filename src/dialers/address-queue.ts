import type { Address } from "../core/event-values.ts";

/**
 * Addresses yet to be tried. They come out with the IP versions taking turns, IPv6 first, each in the
 * order in which it came in; addresses may be added while others are tried.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8305#section-4
 */
export class AddressQueue {
  readonly #waiting: Record<"ipv4" | "ipv6", Address[]> = { ipv6: [], ipv4: [] };
  readonly #first: string | undefined;
  #turn: "ipv4" | "ipv6" = "ipv6";

  /** @param first - the IP that is to come out before all others, if it is among them. */
  constructor(first?: string) {
    this.#first = first;
  }

  get size(): number {
    return this.#waiting.ipv4.length + this.#waiting.ipv6.length;
  }

  add(addresses: readonly Address[]): void {
    for (const address of addresses) {
      const waiting = this.#waiting[address.family === "ipv6" ? "ipv6" : "ipv4"];
      if (address.address === this.#first) {
        waiting.unshift(address);
        this.#turn = address.family === "ipv6" ? "ipv6" : "ipv4";
      } else {
        waiting.push(address);
      }
    }
  }

  next(): Address | undefined {
    const other = this.#turn === "ipv6" ? "ipv4" : "ipv6";
    const family = this.#waiting[this.#turn].length > 0 ? this.#turn : other;
    const address = this.#waiting[family].shift();
    if (address !== undefined) this.#turn = family === "ipv6" ? "ipv4" : "ipv6";
    return address;
  }
}
