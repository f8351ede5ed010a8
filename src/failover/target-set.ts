import type { ListedTarget } from "./discovery/source.ts";
import { type PriorityLevel, priorityLevelsOf } from "./priority-level.ts";
import { Endpoint, type TargetStatus } from "./target-status.ts";

/** When a failing target is ejected, and for how long; see `FailoverOptions`. */
export interface EjectionSettings {
  readonly ejectAfter: number;
  readonly ejectionMs: number;
  readonly maxEjectionMs: number;
  readonly minShare: number;
}

/**
 * The targets of a service and their ejections. The available targets are recomputed when a list or an ejection changes,
 * never per dial.
 */
export class TargetSet {
  readonly #settings: EjectionSettings;
  readonly #decayMs: number;
  /** Targets in the list, and targets that left it with open connections or ejected: they may come back. */
  readonly #known = new Map<string, Endpoint>();
  #present: readonly Endpoint[] = [];
  #levels: readonly PriorityLevel[] = [];
  #ejected = 0;
  #nextReturnAt = Number.POSITIVE_INFINITY;

  constructor(settings: EjectionSettings, decayMs: number) {
    this.#settings = settings;
    this.#decayMs = decayMs;
  }

  /** Returns the status of all targets in the list, including ejected ones. */
  statuses(now: number): readonly TargetStatus[] {
    if (now >= this.#nextReturnAt) this.#arrange(now);
    return this.#present.map((endpoint) => endpoint.status(now));
  }

  find(key: string): Endpoint | undefined {
    return this.#known.get(key);
  }

  /** Returns the available targets, best priority first: those not ejected, or all when all are. */
  levels(now: number): readonly PriorityLevel[] {
    if (now >= this.#nextReturnAt) this.#arrange(now);
    return this.#levels;
  }

  setList(list: readonly ListedTarget[], now: number): void {
    for (const endpoint of this.#present) endpoint.present = false;
    const present = new Set<Endpoint>();
    for (const { target, priority, weight } of list) {
      const key = target.toString();
      let endpoint = this.#known.get(key);
      if (endpoint !== undefined && present.has(endpoint)) continue;
      if (endpoint === undefined) {
        endpoint = new Endpoint(target, this.#decayMs);
        this.#known.set(key, endpoint);
      }
      endpoint.present = true;
      endpoint.priority = priority;
      endpoint.weight = weight;
      present.add(endpoint);
    }
    this.#present = [...present];
    for (const [key, { present, open, dialing, ejectedUntil }] of this.#known) {
      if (!present && open + dialing === 0 && ejectedUntil <= now) this.#known.delete(key);
    }
    this.#arrange(now);
  }

  /** Records a success of a dial or by `mark`. Only `mark` clears failures that `mark` recorded. */
  succeeded(endpoint: Endpoint, now: number, marked: boolean): void {
    endpoint.dialFailures = 0;
    if (marked) endpoint.markedFailures = 0;
    if (endpoint.markedFailures >= this.#settings.ejectAfter) return;
    endpoint.ejections = 0;
    if (endpoint.ejectedUntil <= now) return;
    endpoint.ejectedUntil = now;
    this.#arrange(now);
  }

  /** Records a failure of a dial or by `mark`, and ejects the target when it is due. */
  failed(endpoint: Endpoint, now: number, marked: boolean): void {
    const { ejectAfter, ejectionMs, maxEjectionMs } = this.#settings;
    if (marked) endpoint.markedFailures += 1;
    else endpoint.dialFailures += 1;
    if (!endpoint.present || endpoint.failures < ejectAfter || endpoint.ejectedUntil > now) return;
    // Targets whose ejection has ended make room for this one.
    if (now >= this.#nextReturnAt) this.#arrange(now);
    if (this.#ejected >= this.#maxEjected()) return;
    endpoint.ejectedUntil = now + Math.min(ejectionMs * 2 ** endpoint.ejections, maxEjectionMs);
    endpoint.ejections += 1;
    this.#arrange(now);
  }

  #maxEjected(): number {
    const count = this.#present.length;
    // 0.55 × 100 is slightly more than 55 in floating point.
    return count - Math.ceil(count * this.#settings.minShare - 1e-9);
  }

  #arrange(now: number): void {
    const ejected = this.#present.filter(({ ejectedUntil }) => ejectedUntil > now);
    ejected.sort((a, b) => a.ejectedUntil - b.ejectedUntil);
    // When the list has shrunk, the ejections that end first end now.
    const surplus = ejected.splice(0, Math.max(0, ejected.length - this.#maxEjected()));
    for (const endpoint of surplus) endpoint.ejectedUntil = now;
    this.#ejected = ejected.length;
    this.#nextReturnAt = ejected[0]?.ejectedUntil ?? Number.POSITIVE_INFINITY;
    const all = ejected.length === this.#present.length;
    this.#levels = priorityLevelsOf(
      all ? this.#present : this.#present.filter(({ ejectedUntil }) => ejectedUntil <= now),
    );
  }
}
