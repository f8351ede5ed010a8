import type { Target } from "../core/target.ts";
import type { DialTrace } from "../core/trace.ts";
import { Breaker, type BreakerParts } from "./breaker.ts";

const none: readonly Breaker[] = [];

/** The breakers of all targets, each made when its target is first dialed, and not more than there is room for. */
export class Breakers {
  readonly #byTarget = new Map<string, Breaker>();
  readonly #parts: BreakerParts;
  readonly #max: number;
  /** Whether every target is isolated, also those that are still to come. */
  #allIsolated = false;
  /** Counts the dials, for each breaker remembers its last: cheaper in each dial than a Map kept in that order. */
  #dials = 0;

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
    if (breaker === undefined) {
      const forgotten = this.#byTarget.size < this.#max ? none : this.#makeRoom();
      breaker = this.#add(key, target);
      for (const each of forgotten) each.tell(trace);
      // A hook that has reset all has had it dropped again.
      breaker = this.get(target) ?? this.#add(key, target);
    }
    breaker.lastDial = this.#dials += 1;
    return breaker;
  }

  get(target: Target): Breaker | undefined {
    return this.#byTarget.get(target.toString());
  }

  /** All that are remembered, the most recently dialed last. */
  all(): readonly Breaker[] {
    return [...this.#byTarget.values()].sort((one, other) => one.lastDial - other.lastDial);
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
    if (breaker.toldClosed) this.#byTarget.delete(key);
  }

  #add(key: string, target: Target): Breaker {
    const breaker = new Breaker(target, this.#parts);
    if (this.#allIsolated) breaker.isolate();
    breaker.lastDial = this.#dials += 1;
    this.#byTarget.set(key, breaker);
    return breaker;
  }

  /** Forgets what there is no room for beside a new one, and returns it. */
  #makeRoom(): readonly Breaker[] {
    const forgotten: Breaker[] = [];
    while (this.#byTarget.size >= this.#max) {
      const found = this.#leastUseful();
      if (found === undefined) break;
      this.#byTarget.delete(found.target.toString());
      // What is under way there counts nothing any more, and whoever counts states must hear that it is gone.
      found.reset();
      forgotten.push(found);
    }
    return forgotten;
  }

  /** The closed breaker that was dialed least recently; where none is closed, the least recent that may be dropped. */
  #leastUseful(): Breaker | undefined {
    let closed: Breaker | undefined;
    let other: Breaker | undefined;
    for (const breaker of this.#byTarget.values()) {
      if (breaker.state === "closed") {
        if (closed === undefined || breaker.lastDial < closed.lastDial) closed = breaker;
      } else if (breaker.droppable && (other === undefined || breaker.lastDial < other.lastDial)) {
        other = breaker;
      }
    }
    return closed ?? other;
  }
}
