import { type LookupAddress, lookup as systemLookup } from "node:dns";
import { isIP } from "node:net";
import type { Cancel } from "../async/cancel.ts";
import type { Target } from "../core/target.ts";
import type { Lookup } from "../dialers/resolve.ts";
import type { AddressFacts } from "./facts.ts";

/** Resolves names, and keeps the answers that a dial did not wait for: the addresses of the slower IP version. */
export class Lookups {
  readonly #target: Target;
  #answers: Promise<readonly LookupAddress[]>[] = [];

  /** @param target - the target whose name is asked for; other names, such as a proxy's, are not kept. */
  constructor(target: Target) {
    this.#target = target;
  }

  /** The lookup for the dialer. */
  readonly lookup: Lookup = (hostname, options, callback) => {
    const answer = new Promise<readonly LookupAddress[]>((resolve) => {
      systemLookup(hostname, options, (error, addresses) => {
        resolve(error ? [] : addresses);
        callback(error, addresses);
      });
    });
    if (hostname === this.#target.host) this.#answers.push(answer);
  };

  /** Forgets the answers to earlier dials. */
  reset(): void {
    this.#answers = [];
  }

  /** Returns all addresses of the target, marked as not tried. Waits up to `limitMs` for answers that are still pending. */
  async addresses(limitMs: number, cancel: Cancel): Promise<readonly AddressFacts[]> {
    let giveUp = () => {};
    const late = new Promise<readonly LookupAddress[]>((resolve) => {
      giveUp = () => resolve([]);
    });
    const timer = setTimeout(giveUp, limitMs);
    cancel.onAbort(giveUp);
    const answers = await Promise.all(this.#answers.map((answer) => Promise.race([answer, late])));
    clearTimeout(timer);
    cancel.offAbort(giveUp);
    return answers.flat().map(({ address }) => this.#factsOf(address));
  }

  #factsOf(ip: string): AddressFacts {
    const isVersion6 = isIP(ip) === 6;
    const address = `${isVersion6 ? `[${ip}]` : ip}:${this.#target.port}`;
    return { address, family: isVersion6 ? "ipv6" : "ipv4", outcome: "canceled", durationMs: 0 };
  }
}
