import type { Reason } from "../core/reasons.ts";
import type { Endpoint } from "./target-status.ts";

/** Why a dial to a target failed. */
export interface Failure {
  readonly error: unknown;
  readonly reason: Reason;
}

/** The targets that one dial has attempted so far. */
export class AttemptedTargets {
  last: Endpoint;
  /** Why {@link last} failed; absent while it is not known to have failed. */
  failure: Failure | undefined;
  /** Keys of the targets attempted in this round; absent while there is only one. */
  #tried: Set<string> | undefined;

  constructor(first: Endpoint) {
    this.last = first;
  }

  get tried(): ReadonlySet<string> {
    this.#tried ??= new Set([this.last.key]);
    return this.#tried;
  }

  moveTo(endpoint: Endpoint): void {
    this.#tried ??= new Set([this.last.key]);
    this.#tried.add(endpoint.key);
    this.last = endpoint;
    this.failure = undefined;
  }

  /** Starts a new round after all targets were attempted. The last one is left out at first. */
  startOver(): ReadonlySet<string> {
    this.#tried = new Set([this.last.key]);
    return this.#tried;
  }
}
