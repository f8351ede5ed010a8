import type { Address } from "../core/event-values.ts";

/**
 * Addresses to try. IPv6 and IPv4 addresses alternate, IPv6 first; addresses of one version keep the order in which they
 * were added. Addresses may be added at any time.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8305#section-4
 */
export class AddressQueue {
  readonly #waiting: Record<"ipv4" | "ipv6", Address[]> = { ipv6: [], ipv4: [] };
  readonly #first: string | undefined;
  /** The IP version of the next address, if there is one. */
  #turn: "ipv4" | "ipv6" = "ipv6";

  /** @param first - the IP to return before all others, once it has been added. */
  constructor(first?: string) {
    this.#first = first;
  }

  /** Number of addresses that have not been returned. */
  get size(): number {
    return this.#waiting.ipv4.length + this.#waiting.ipv6.length;
  }

  /** Appends addresses. */
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

  /** Removes and returns the next address. */
  next(): Address | undefined {
    const other = this.#turn === "ipv6" ? "ipv4" : "ipv6";
    const family = this.#waiting[this.#turn].length > 0 ? this.#turn : other;
    const address = this.#waiting[family].shift();
    if (address !== undefined) this.#turn = family === "ipv6" ? "ipv4" : "ipv6";
    return address;
  }
}
