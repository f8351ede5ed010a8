import type { Duplex } from "node:stream";
import type { CloseReason } from "../core/event-values.ts";
import type { DialTrace } from "../core/trace.ts";
import { setCloseReason } from "../engine/tracker.ts";
import { discard } from "../support/connection.ts";
import { LinkedList } from "../support/linked-list.ts";
import { returnedBoolean } from "../support/returned.ts";
import { guarded } from "../support/user-call.ts";
import type { PoolSettings } from "./options.ts";
import { PoolEntry, type PoolEntryOwner } from "./pool-entry.ts";
import type { EvictionReason } from "./pool-trace.ts";
import type { Reporter } from "./reporter.ts";
import type { Sweep } from "./sweeper.ts";

/** The `reason` of `connectionClosed` for each eviction; a connection destroyed by its holder keeps its own. */
const closeReasonOf: Readonly<Record<EvictionReason, CloseReason | undefined>> = {
  idle: "idle",
  overflow: "idle",
  max_lifetime: "max_lifetime",
  stale: "stale",
  unhealthy: "unhealthy",
  drain: "drain",
  destroyed: undefined,
};

/** The open connections to one target, idle and in use, and the rules by which they are kept. */
export class Connections<C extends Duplex> {
  readonly #settings: PoolSettings<C>;
  readonly #reporter: Reporter<C>;
  readonly #idle = new LinkedList<PoolEntry<C>>();
  readonly #used = new LinkedList<PoolEntry<C>>();

  constructor(settings: PoolSettings<C>, reporter: Reporter<C>) {
    this.#settings = settings;
    this.#reporter = reporter;
  }

  get idle(): number {
    return this.#idle.size;
  }

  get used(): number {
    return this.#used.size;
  }

  get open(): number {
    return this.#idle.size + this.#used.size;
  }

  /**
   * Adds a connection that was just dialed, as in use. Its lifetime is `maxLifetimeMs`, less the jitter.
   *
   * @throws what the user's `random` throws.
   */
  add(conn: C, madeFor: DialTrace | undefined, now: number, owner: PoolEntryOwner<C>): PoolEntry<C> {
    const { maxLifetimeMs, maxLifetimeJitter, random } = this.#settings;
    const lifetimeMs = maxLifetimeMs * (1 - maxLifetimeJitter * random());
    const entry = new PoolEntry(conn, now, lifetimeMs, madeFor, owner);
    this.#used.add(entry);
    return entry;
  }

  /** Marks a connection as leased from now on: one just taken from the idle list, released or added. */
  lend(entry: PoolEntry<C>, now: number): void {
    this.#used.remove(entry);
    entry.state = "used";
    entry.since = now;
    entry.lent = true;
    this.#used.add(entry);
  }

  /** Moves a connection that was in use to the idle ones. Returns when the next idle connection is due to be closed. */
  park(entry: PoolEntry<C>, now: number): number {
    this.#used.remove(entry);
    entry.state = "idle";
    entry.since = now;
    this.#idle.add(entry);
    entry.watch();
    return this.#dueAt(entry);
  }

  /** Takes the usable connection that was used last; closes the unusable ones before it. */
  takeIdle(now: number): PoolEntry<C> | undefined {
    for (let { newest } = this.#idle; newest !== undefined; { newest } = this.#idle) {
      const reason = this.#unusable(newest, now);
      if (reason !== undefined) {
        this.evict(newest, reason);
        continue;
      }
      // The user's validate() may have destroyed it.
      if (newest.state !== "idle") continue;
      this.#idle.remove(newest);
      newest.unwatch();
      return newest;
    }
    return undefined;
  }

  /** Closes the idle connections that are due. */
  sweep(now: number): Sweep & { closed: number } {
    const { minIdle, idleTimeoutMs } = this.#settings;
    let spare = this.#idle.size - minIdle;
    const examined = this.#idle.size;
    let next = Number.POSITIVE_INFINITY;
    const due: [PoolEntry<C>, EvictionReason][] = [];
    for (const entry of this.#idle) {
      const idleUntil = spare > 0 ? entry.since + idleTimeoutMs : Number.POSITIVE_INFINITY;
      if (Math.min(entry.expiresAt, idleUntil) <= now) {
        due.push([entry, entry.expiresAt <= now ? "max_lifetime" : "idle"]);
        spare -= 1;
      } else {
        next = Math.min(next, entry.expiresAt, idleUntil);
      }
    }
    // A hook of an earlier eviction may have leased or closed one of these.
    for (const [entry, reason] of due) if (entry.state === "idle") this.evict(entry, reason);
    return { closed: due.length, examined, next };
  }

  evictIdle(reason: EvictionReason): void {
    for (let { newest } = this.#idle; newest !== undefined; { newest } = this.#idle) this.evict(newest, reason);
  }

  evictUsed(reason: EvictionReason): void {
    for (let { newest } = this.#used; newest !== undefined; { newest } = this.#used) this.evict(newest, reason);
  }

  /** Removes a connection and closes it. */
  evict(entry: PoolEntry<C>, reason: EvictionReason): void {
    if (entry.state === "gone") return;
    const { conn } = entry;
    if (entry.state === "idle") entry.unwatch();
    this.remove(entry, reason);
    const closeReason = closeReasonOf[reason];
    if (closeReason !== undefined) setCloseReason(conn, closeReason);
    discard(conn);
  }

  /** Removes a connection that is closed or about to be. */
  remove(entry: PoolEntry<C>, reason: EvictionReason): void {
    (entry.state === "idle" ? this.#idle : this.#used).remove(entry);
    entry.state = "gone";
    this.#reporter.evicted(entry, reason);
  }

  /** Why an idle connection must not be leased; `undefined` when it may be. */
  #unusable({ conn, fit, openedAt, expiresAt, since }: PoolEntry<C>, now: number): EvictionReason | undefined {
    const { ttlMs, idleTimeoutMs, minIdle, validate } = this.#settings;
    if (!fit) return "stale";
    if (now - openedAt > ttlMs || now >= expiresAt) return "max_lifetime";
    if (now - since >= idleTimeoutMs && this.#idle.size > minIdle) return "idle";
    if (validate === undefined) return undefined;
    const valid = guarded("pool: validate", () => returnedBoolean("pool: validate", validate(conn)));
    return valid === true ? undefined : "unhealthy";
  }

  #dueAt(parked: PoolEntry<C>): number {
    const { minIdle, idleTimeoutMs } = this.#settings;
    const { oldest, size } = this.#idle;
    if (oldest === undefined || size <= minIdle) return parked.expiresAt;
    return Math.min(parked.expiresAt, oldest.since + idleTimeoutMs);
  }
}
