import type { Target } from "../core/target.ts";

/** Time in milliseconds after which a timestamp is dropped, unless a connection to its target is open. */
const maxAgeMs = 3_600_000;

/** Maximum number of timestamps. Beyond it, the latest one is dropped, which is least likely to be shown. */
const maxTimestamps = 1_000;

interface Entry {
  /** In seconds since the epoch. */
  readonly seconds: number;
  /** When it was last seen, in milliseconds since the epoch. */
  readonly seenAt: number;
}

/** The timestamps of the targets in use: those with open connections, and those seen within the last hour. */
export class Timestamps {
  readonly #entries = new Map<string, Entry>();
  /** Number of open connections by target. */
  readonly #open = new Map<string, number>();

  /** Sets the timestamp of a target. The one before it is replaced. */
  set(target: string, seconds: number): void {
    this.#entries.set(target, { seconds, seenAt: Date.now() });
    if (this.#entries.size > maxTimestamps) this.#makeRoom();
  }

  /** Removes the timestamp of a target. */
  delete(target: string): void {
    this.#entries.delete(target);
  }

  /** Counts an open connection to a target that has a timestamp. */
  opened(target: Target): void {
    // Most dialers have no timestamps, and the target's text is not free.
    if (this.#entries.size === 0) return;
    const key = String(target);
    if (!this.#entries.has(key)) return;
    this.#open.set(key, (this.#open.get(key) ?? 0) + 1);
  }

  closed(target: Target): void {
    if (this.#open.size === 0) return;
    const key = String(target);
    const open = this.#open.get(key);
    if (open === undefined) return;
    if (open > 1) this.#open.set(key, open - 1);
    else this.#open.delete(key);
    const entry = this.#entries.get(key);
    // The time of disuse begins now.
    if (entry !== undefined) this.#entries.set(key, { seconds: entry.seconds, seenAt: Date.now() });
  }

  /** The earliest of the timestamps, or `undefined` if there are none: zero would be a date long past. */
  get earliest(): number | undefined {
    this.#dropUnused();
    let earliest: number | undefined;
    for (const { seconds } of this.#entries.values()) {
      if (earliest === undefined || seconds < earliest) earliest = seconds;
    }
    return earliest;
  }

  #dropUnused(): void {
    const since = Date.now() - maxAgeMs;
    for (const [target, { seenAt }] of this.#entries) {
      if (seenAt < since && !this.#open.has(target)) this.#entries.delete(target);
    }
  }

  #makeRoom(): void {
    this.#dropUnused();
    if (this.#entries.size <= maxTimestamps) return;
    let latest: string | undefined;
    let seconds = Number.NEGATIVE_INFINITY;
    for (const [target, entry] of this.#entries) {
      if (entry.seconds > seconds) [latest, seconds] = [target, entry.seconds];
    }
    if (latest !== undefined) this.#entries.delete(latest);
  }
}
