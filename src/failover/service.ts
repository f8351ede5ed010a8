import type { Cancel } from "../async/cancel.ts";
import type { Clock } from "../async/clock.ts";
import { classify } from "../core/classify.ts";
import { DialError } from "../core/errors.ts";
import type { Target } from "../core/target.ts";
import { messageOf } from "../support/message.ts";
import { tameError } from "../support/printable.ts";
import type { AttemptedTargets } from "./attempted-targets.ts";
import type { NoList, Watcher } from "./discovery/watcher.ts";
import { NoTargetError } from "./no-target-error.ts";
import type { Picker, PickerContext } from "./picker.ts";
import type { TargetSet } from "./target-set.ts";
import type { Endpoint } from "./target-status.ts";

/** The targets of one service: how they are found, and which one is next. */
export class Service {
  readonly targetSet: TargetSet;
  readonly #pick: Picker;
  readonly #watcher: Watcher | undefined;

  constructor(targetSet: TargetSet, pick: Picker, watcher?: Watcher) {
    this.targetSet = targetSet;
    this.#pick = pick;
    this.#watcher = watcher;
  }

  /** Whether there is a list of targets. */
  get ready(): boolean {
    return this.#watcher === undefined || this.#watcher.listed;
  }

  /** Waits for the first list. */
  async begin(target: Target, clock: Clock, cancel: Cancel | undefined): Promise<void> {
    const none = await this.#watcher?.firstList(clock, cancel);
    if (none !== undefined) throw notFound(target, none);
  }

  /**
   * Returns the target of the next attempt.
   *
   * @throws NoTargetError when the list is empty.
   */
  next(context: PickerContext, attempted: AttemptedTargets | undefined): Endpoint {
    const endpoint =
      this.#pickFrom(context, attempted?.tried) ??
      // All were attempted: start over, preferably with another target than the last.
      (attempted && this.#pickFrom(context, attempted.startOver())) ??
      (attempted && this.#pickFrom(context, undefined));
    if (endpoint === undefined) throw new NoTargetError(context.target);
    return endpoint;
  }

  close(): void {
    this.#watcher?.close();
  }

  #pickFrom(context: PickerContext, tried: ReadonlySet<string> | undefined): Endpoint | undefined {
    for (const level of this.targetSet.levels(context.now)) {
      const endpoint = this.#pick(level, tried, context);
      if (endpoint !== undefined) return endpoint;
    }
    return undefined;
  }
}

function notFound(target: Target, none: NoList): DialError {
  if (!("cause" in none)) return new NoTargetError(target);
  const cause = tameError(none.cause);
  const reason = classify(cause);
  return new DialError(`dial ${target}: the discovery of its targets failed: ${messageOf(cause)}`, {
    reason: reason === "canceled" ? "_OTHER" : reason,
    target,
    cause,
  });
}
