import { addPlace, type Place, placeOf } from "../support/observed-places.ts";
import { guarded } from "../support/user-call.ts";
import { warnOfHooks } from "./check-hooks.ts";
import { callHook, returnedHooks } from "./hooks.ts";

/** The hooks of one observer. Hooks added twice are two observations, each removed separately. */
export interface Observation<H extends object> {
  readonly hooks: H;
  /** Where the observer puts its data. */
  readonly place: Place | undefined;
}

/** Hooks, or a function that returns the hooks for one pool or client. */
type ObserverOf<H extends object, S> = H | ((subject: S) => H | null | undefined);

/** Kind of the object that an {@link ObserverList} observes. */
export type Subject = "pool" | "client";

type InfoOf<H, N extends keyof H> = NonNullable<H[N]> extends (info: infer I) => unknown ? I : never;

/** The observers of one pool or client, in the order in which they were added. */
export class ObserverList<H extends object, S> {
  readonly #kind: Subject;
  readonly #hookNames: readonly string[];
  #all: readonly Observation<H>[] = [];

  constructor(kind: Subject, hookNames: readonly string[]) {
    this.#kind = kind;
    this.#hookNames = hookNames;
  }

  /** The observers currently in the list. */
  get all(): readonly Observation<H>[] {
    return this.#all;
  }

  /** Adds observers. Returns the observations of the observers that have hooks. */
  add(trace: ObserverOf<H, S> | readonly ObserverOf<H, S>[], subject: S): readonly Observation<H>[] {
    const given = (Array.isArray(trace) ? trace : [trace]) as readonly ObserverOf<H, S>[];
    const added: Observation<H>[] = [];
    for (const each of given) {
      const hooks = this.#hooksOf(each, subject);
      if (hooks === undefined) continue;
      const place = placeOf(each);
      const others = [...this.#all, ...added].flatMap((other) => other.place ?? []);
      if (place !== undefined) addPlace(place, others, this.#kind);
      added.push({ hooks, place });
    }
    this.#all = [...this.#all, ...added];
    return added;
  }

  /** Removes observations. Returns the ones that were in the list. */
  remove(gone: readonly Observation<H>[]): readonly Observation<H>[] {
    const removed = this.#all.filter((each) => gone.includes(each));
    this.#all = this.#all.filter((each) => !gone.includes(each));
    return removed;
  }

  /** Calls one hook of every observer. */
  emit<N extends keyof H & string>(name: N, info: InfoOf<H, N>): void {
    callEach(this.#all, name, info);
  }

  #hooksOf(observer: ObserverOf<H, S>, subject: S): H | undefined {
    if (typeof observer !== "function") return observer;
    const what = `an observer of ${this.#kind}s`;
    const hooks = guarded(what, () => returnedHooks(what, observer(subject)));
    warnOfHooks(what, hooks, this.#hookNames);
    return hooks;
  }
}

/** Calls one hook of some observers. */
export function callEach<H extends object, N extends keyof H & string>(
  observations: readonly Observation<H>[],
  name: N,
  info: InfoOf<H, N>,
): void {
  for (const { hooks } of observations) callHook(hooks, name, info as never);
}
