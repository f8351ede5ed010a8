import type { Target } from "../core/target.ts";
import type { DialTrace } from "../core/trace.ts";
import { Breaker, type BreakerParts } from "./breaker.ts";

const none: readonly Breaker[] = [];

/** The breakers of all targets, each made when its target is first dialed, and not more than there is room for. */
export class Breakers {
  /** By target, the least recently dialed first. */
  readonly #byTarget = new Map<string, Breaker>();
  readonly #parts: BreakerParts;
  readonly #max: number;
  /** Whether every target is isolated, also those that are still to come. */
  #allIsolated = false;
  /** The last of them: what is dialed over and over need not be moved. */
  #newest: Breaker | undefined;

  constructor(parts: BreakerParts, max: number) {
    this.#parts = parts;
    this.#max = max;
  }

  get allIsolated(): boolean {
    return this.#allIsolated;
  }

  /** The breaker of a target that is dialed. What is forgotten to make room for it is told to the dial. */
  dialed(target: Target, trace: DialTrace | undefined): Breaker {
    const key = target.toString();
    let breaker = this.#byTarget.get(key);
    if (breaker !== undefined) {
      if (breaker !== this.#newest) {
        this.#byTarget.delete(key);
        this.#byTarget.set(key, breaker);
        this.#newest = breaker;
      }
      return breaker;
    }
    const forgotten = this.#byTarget.size < this.#max ? none : this.#makeRoom();
    breaker = this.#add(key, target);
    for (const each of forgotten) each.tell(trace);
    return breaker;
  }

  get(target: Target): Breaker | undefined {
    return this.#byTarget.get(target.toString());
  }

  all(): readonly Breaker[] {
    return [...this.#byTarget.values()];
  }

  isolate(target: Target | undefined): void {
    if (target === undefined) {
      this.#allIsolated = true;
      for (const breaker of this.#byTarget.values()) breaker.isolate();
      return;
    }
    // Above what there is room for, if need be: the next dial makes room, and can be told of it.
    const breaker = this.get(target) ?? this.#add(target.toString(), target);
    breaker.isolatedByName = true;
    breaker.isolate();
  }

  reset(target: Target | undefined): void {
    if (target === undefined) {
      this.#allIsolated = false;
      for (const [key, breaker] of this.#byTarget) this.#reset(key, breaker);
      return;
    }
    const breaker = this.get(target);
    if (breaker !== undefined) this.#reset(target.toString(), breaker);
  }

  #reset(key: string, breaker: Breaker): void {
    breaker.isolatedByName = false;
    // By name it is let out of what was done by name.
    if (this.#allIsolated) return;
    breaker.reset();
    // One that is as good as new need not be kept.
    if (breaker.toldClosed) this.#drop(key, breaker);
  }

  #add(key: string, target: Target): Breaker {
    const breaker = new Breaker(target, this.#parts);
    if (this.#allIsolated) breaker.isolate();
    this.#byTarget.set(key, breaker);
    this.#newest = breaker;
    return breaker;
  }

  /** Forgets what there is no room for beside a new one, and returns it. */
  #makeRoom(): readonly Breaker[] {
    const forgotten: Breaker[] = [];
    while (this.#byTarget.size >= this.#max) {
      const found = this.#leastUseful();
      if (found === undefined) break;
      const [key, breaker] = found;
      this.#drop(key, breaker);
      // What is under way there counts nothing any more, and whoever counts states must hear that it is gone.
      breaker.reset();
      forgotten.push(breaker);
    }
    return forgotten;
  }

  /** The closed breaker that was dialed least recently; where none is closed, another that may be dropped. */
  #leastUseful(): readonly [string, Breaker] | undefined {
    let found: readonly [string, Breaker] | undefined;
    for (const entry of this.#byTarget) {
      const [, breaker] = entry;
      if (breaker.state === "closed") return entry;
      if (found === undefined && breaker.droppable) found = entry;
    }
    return found;
  }

  #drop(key: string, breaker: Breaker): void {
    this.#byTarget.delete(key);
    if (this.#newest === breaker) this.#newest = undefined;
  }
}
