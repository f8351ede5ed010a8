import type { Target } from "../core/target.ts";
import type { DialTrace } from "../core/trace.ts";
import { Breaker, type BreakerParts } from "./breaker.ts";

const none: readonly Breaker[] = [];

/** The breakers of all targets, at most `max`. A breaker is made when its target is first dialed. */
export class Breakers {
  readonly #byTarget = new Map<string, Breaker>();
  readonly #parts: BreakerParts;
  readonly #max: number;
  /** Whether all targets are isolated, including those not dialed yet. */
  #allIsolated = false;
  /** Number of the last dial. Numbering dials is cheaper than keeping a Map in the order of the last dials. */
  #dials = 0;

  constructor(parts: BreakerParts, max: number) {
    this.#parts = parts;
    this.#max = max;
  }

  get allIsolated(): boolean {
    return this.#allIsolated;
  }

  /** Returns the breaker of a dialed target. Breakers that are dropped to make room are reported to the dial as closed. */
  dialed(target: Target, trace: DialTrace | undefined): Breaker {
    const key = target.toString();
    let breaker = this.#byTarget.get(key);
    if (breaker === undefined) {
      const dropped = this.#byTarget.size < this.#max ? none : this.#makeRoom();
      breaker = this.#add(key, target);
      for (const each of dropped) each.report(trace);
      // A hook that called reset() has dropped the new breaker.
      breaker = this.get(target) ?? this.#add(key, target);
    }
    breaker.lastDial = this.#dials += 1;
    return breaker;
  }

  get(target: Target): Breaker | undefined {
    return this.#byTarget.get(target.toString());
  }

  /** Returns all breakers, the most recently dialed last. */
  all(): readonly Breaker[] {
    return [...this.#byTarget.values()].sort((one, other) => one.lastDial - other.lastDial);
  }

  isolate(target: Target | undefined): void {
    if (target === undefined) {
      this.#allIsolated = true;
      for (const breaker of this.#byTarget.values()) breaker.isolate();
      return;
    }
    // May exceed the maximum: the next dial makes room, and gets the report of the dropped breaker.
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
    // A reset by name undoes an isolation by name only.
    if (this.#allIsolated) return;
    breaker.reset();
    // A breaker in its initial state need not be kept.
    if (breaker.reportedClosed) this.#byTarget.delete(key);
  }

  #add(key: string, target: Target): Breaker {
    const breaker = new Breaker(target, this.#parts);
    if (this.#allIsolated) breaker.isolate();
    breaker.lastDial = this.#dials += 1;
    this.#byTarget.set(key, breaker);
    return breaker;
  }

  /** Drops breakers until there is room for a new one, and returns them. */
  #makeRoom(): readonly Breaker[] {
    const dropped: Breaker[] = [];
    while (this.#byTarget.size >= this.#max) {
      const found = this.#leastUseful();
      if (found === undefined) break;
      this.#byTarget.delete(found.target.toString());
      // Results of its dials in progress no longer count, and metrics of open breakers must see that it is gone.
      found.reset();
      dropped.push(found);
    }
    return dropped;
  }

  /** The closed breaker that was dialed least recently; without a closed one, the least recent droppable one. */
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
