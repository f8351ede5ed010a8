import type { Cancel } from "../async/cancel.ts";
import type { Clock } from "../async/clock.ts";
import { classify } from "../core/classify.ts";
import { DialError } from "../core/errors.ts";
import type { Target } from "../core/target.ts";
import { messageOf } from "../support/message.ts";
import { tameError } from "../support/printable.ts";
import type { Journey } from "./attempted-targets.ts";
import type { NoList, Watcher } from "./discovery/watcher.ts";
import { NoTargetError } from "./no-target-error.ts";
import type { Pick, PickContext } from "./picker.ts";
import type { Roster } from "./target-set.ts";
import type { Endpoint } from "./target-status.ts";

/** The targets behind one name, how they are found, and who is next. */
export class Service {
  readonly roster: Roster;
  readonly #pick: Pick;
  readonly #watcher: Watcher | undefined;

  constructor(roster: Roster, pick: Pick, watcher?: Watcher) {
    this.roster = roster;
    this.#pick = pick;
    this.#watcher = watcher;
  }

  /** Whether there is a list to pick from. */
  get ready(): boolean {
    return this.#watcher === undefined || this.#watcher.listed;
  }

  /** Waits for the first list. */
  async begin(target: Target, clock: Clock, cancel: Cancel | undefined): Promise<void> {
    const none = await this.#watcher?.firstList(clock, cancel);
    if (none !== undefined) throw notFound(target, none);
  }

  /**
   * The target that a dial goes to.
   *
   * @throws NoTargetError when the list is empty.
   */
  next(context: PickContext, journey: Journey | undefined): Endpoint {
    const endpoint =
      this.#pickFrom(context, journey?.tried) ??
      // All have been tried, the last of them perhaps as the only one that is left.
      (journey && this.#pickFrom(context, journey.startOver())) ??
      (journey && this.#pickFrom(context, undefined));
    if (endpoint === undefined) throw new NoTargetError(context.target);
    return endpoint;
  }

  close(): void {
    this.#watcher?.close();
  }

  #pickFrom(context: PickContext, tried: ReadonlySet<string> | undefined): Endpoint | undefined {
    for (const tier of this.roster.tiers(context.now)) {
      const endpoint = this.#pick(tier, tried, context);
      if (endpoint !== undefined) return endpoint;
    }
    return undefined;
  }
}

function notFound(target: Target, none: NoList): DialError {
  if (!("cause" in none)) return new NoTargetError(target);
  const cause = tameError(none.cause);
  const reason = classify(cause);
  return new DialError(`dial ${target}: its targets can't be found: ${messageOf(cause)}`, {
    reason: reason === "canceled" ? "_OTHER" : reason,
    target,
    cause,
  });
}
