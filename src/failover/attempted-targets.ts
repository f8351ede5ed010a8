import type { Reason } from "../core/reasons.ts";
import type { Endpoint } from "./target-status.ts";

/** Why a target failed a dial. */
export interface Failure {
  readonly error: unknown;
  readonly reason: Reason;
}

/** What one dial has tried so far. */
export class AttemptedTargets {
  last: Endpoint;
  /** Why {@link last} failed; absent when it did not, as far as is known here. */
  failure: Failure | undefined;
  /** Keys of the targets tried in this round, when there are several. */
  #tried: Set<string> | undefined;

  constructor(first: Endpoint) {
    this.last = first;
  }

  get tried(): ReadonlySet<string> {
    this.#tried ??= new Set([this.last.key]);
    return this.#tried;
  }

  goTo(endpoint: Endpoint): void {
    this.#tried ??= new Set([this.last.key]);
    this.#tried.add(endpoint.key);
    this.last = endpoint;
    this.failure = undefined;
  }

  /** All have been tried: begins again, with another than the last. */
  startOver(): ReadonlySet<string> {
    this.#tried = new Set([this.last.key]);
    return this.#tried;
  }
}
