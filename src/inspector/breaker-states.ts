import type { BreakerState } from "../core/event-values.ts";
import type { BreakerChangeInfo } from "../core/trace.ts";
import { printable } from "../support/printable.ts";
import type { BreakerSummary, BreakersSummary } from "./snapshot.ts";

/** Maximum number of breakers that are kept by target. The others are only counted. */
const maxNamed = 20;
const maxTargetBytes = 300;

/** The breakers of one dialer that are not closed, as its dials last saw them. */
export class BreakerStates {
  readonly #counts: Record<BreakerState, number> = { closed: 0, open: 0, half_open: 0 };
  readonly #named = new Map<string, BreakerSummary>();

  change({ target, state, previous }: BreakerChangeInfo, atMs: number): void {
    this.#counts[previous] -= 1;
    this.#counts[state] += 1;
    const name = printable(String(target), maxTargetBytes);
    if (state === "closed") this.#named.delete(name);
    else if (this.#named.has(name) || this.#named.size < maxNamed) {
      this.#named.set(name, { target: name, state, since: atMs });
    }
  }

  summary(): BreakersSummary {
    return { open: this.#counts.open, halfOpen: this.#counts.half_open, shown: [...this.#named.values()] };
  }
}
