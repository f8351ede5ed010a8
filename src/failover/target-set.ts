import type { ListedTarget } from "./discovery/source.ts";
import { type PriorityLevel, priorityLevelsOf } from "./priority-level.ts";
import { Endpoint, type TargetStatus } from "./target-status.ts";

/** When a target that fails is left alone, and for how long. */
export interface EjectionSettings {
  readonly ejectAfter: number;
  readonly ejectionMs: number;
  readonly maxEjectionMs: number;
  readonly minShare: number;
}

/**
 * The targets that there are, and which of them are ejected. What may be dialed is arranged anew when
 * that changes, never for a dial.
 */
export class TargetSet {
  readonly #settings: EjectionSettings;
  readonly #decayMs: number;
  /** Those in the list, and those that are not but have connections or are ejected: they may come back. */
  readonly #known = new Map<string, Endpoint>();
  #present: readonly Endpoint[] = [];
  #levels: readonly PriorityLevel[] = [];
  #ejected = 0;
  #nextReturnAt = Number.POSITIVE_INFINITY;

  constructor(settings: EjectionSettings, decayMs: number) {
    this.#settings = settings;
    this.#decayMs = decayMs;
  }

  /** How the targets in the list stand, the ejected ones too. */
  statuses(now: number): readonly TargetStatus[] {
    if (now >= this.#nextReturnAt) this.#arrange(now);
    return this.#present.map((endpoint) => endpoint.status(now));
  }

  find(key: string): Endpoint | undefined {
    return this.#known.get(key);
  }

  /** What may be dialed, best priority first: those that are not ejected, or all when all are. */
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

  /** A dial has succeeded, or the user says so. What the user has marked as failing is not mended by a dial. */
  succeeded(endpoint: Endpoint, now: number, byUser: boolean): void {
    endpoint.dialFailures = 0;
    if (byUser) endpoint.markedFailures = 0;
    if (endpoint.markedFailures >= this.#settings.ejectAfter) return;
    endpoint.ejections = 0;
    if (endpoint.ejectedUntil <= now) return;
    endpoint.ejectedUntil = now;
    this.#arrange(now);
  }

  failed(endpoint: Endpoint, now: number, byUser: boolean): void {
    const { ejectAfter, ejectionMs, maxEjectionMs } = this.#settings;
    if (byUser) endpoint.markedFailures += 1;
    else endpoint.dialFailures += 1;
    if (!endpoint.present || endpoint.failures < ejectAfter || endpoint.ejectedUntil > now) return;
    // Those whose time is up leave room.
    if (now >= this.#nextReturnAt) this.#arrange(now);
    if (this.#ejected >= this.#mostEjected()) return;
    endpoint.ejectedUntil = now + Math.min(ejectionMs * 2 ** endpoint.ejections, maxEjectionMs);
    endpoint.ejections += 1;
    this.#arrange(now);
  }

  #mostEjected(): number {
    const count = this.#present.length;
    // Less what a product such as 0.55 times 100 has too much.
    return count - Math.ceil(count * this.#settings.minShare - 1e-9);
  }

  #arrange(now: number): void {
    const ejected = this.#present.filter(({ ejectedUntil }) => ejectedUntil > now);
    ejected.sort((a, b) => a.ejectedUntil - b.ejectedUntil);
    // The list has shrunk: those that would be back first are back now.
    const surplus = ejected.splice(0, Math.max(0, ejected.length - this.#mostEjected()));
    for (const endpoint of surplus) endpoint.ejectedUntil = now;
    this.#ejected = ejected.length;
    this.#nextReturnAt = ejected[0]?.ejectedUntil ?? Number.POSITIVE_INFINITY;
    const all = ejected.length === this.#present.length;
    this.#levels = priorityLevelsOf(
      all ? this.#present : this.#present.filter(({ ejectedUntil }) => ejectedUntil <= now),
    );
  }
}
