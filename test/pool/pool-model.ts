import type { EvictionReason } from "../../src/index.ts";

export interface ModelSettings {
  readonly maxOpen: number;
  readonly maxIdle: number;
  readonly minIdle: number;
  readonly maxWaiting: number;
  readonly ttlMs: number;
  readonly idleTimeoutMs: number;
  /** Lifetime of each connection, after the jitter. */
  readonly lifetimeMs: number;
  readonly acquireTimeoutMs: number;
  /** The number that `random` always returns. */
  readonly random: number;
}

export interface ModelConn {
  readonly id: number;
  readonly openedAt: number;
  since: number;
  lent: boolean;
}

/** Result of an acquire: the number of its connection, or a word for the reason why there is none. */
export type Answer = number | "aborted" | "PoolTimeoutError" | "PoolFullError" | "PoolClosedError" | `failed ${number}`;

interface ModelDial {
  readonly id: number;
  readonly background: boolean;
  /** The waiter that the dial was started for, while it waits. */
  waiter: number | undefined;
}

/** The specified behavior of a pool for one target, as simple as possible: arrays that are searched. */
export class PoolModel {
  now = 0;
  closed = false;
  readonly idle: ModelConn[] = [];
  readonly used: ModelConn[] = [];
  readonly waiters: { readonly id: number; readonly since: number }[] = [];
  dials: ModelDial[] = [];
  readonly answers = new Map<number, Answer>();
  readonly counts = { hits: 0, misses: 0, timeouts: 0, canceled: 0, failures: 0, doubleReleases: 0 };
  readonly evictions: Record<EvictionReason, number> = {
    idle: 0,
    max_lifetime: 0,
    overflow: 0,
    stale: 0,
    unhealthy: 0,
    destroyed: 0,
    drain: 0,
  };
  dialsBegun = 0;
  /** Dials whose waiters have left, in the order in which they left. */
  #left: number[] = [];
  #warmFailures = 0;
  #warmAt: number | undefined;
  readonly #settings: ModelSettings;

  constructor(settings: ModelSettings) {
    this.#settings = settings;
  }

  acquire(id: number): void {
    const { maxWaiting, maxOpen } = this.#settings;
    const kept = this.#takeIdle();
    const room = this.idle.length + this.used.length + this.dials.length < maxOpen;
    if (this.closed) this.#answer(id, "PoolClosedError", "failures");
    else if (kept !== undefined) this.#lend(kept, id, "hits");
    else if (!room && this.waiters.length - this.dials.length >= maxWaiting) {
      this.#answer(id, "PoolFullError", "failures");
    } else {
      this.waiters.push({ id, since: this.now });
      this.#dial();
    }
  }

  abort(id: number): void {
    this.#giveUp(id, "aborted", "canceled");
  }

  dialed(dial: number, conn: number): void {
    this.#endDial(dial);
    this.#handOver({ id: conn, openedAt: this.now, since: this.now, lent: false }, false);
    this.#dial();
  }

  dialFailed(dial: number): void {
    const { background } = this.#endDial(dial);
    const first = this.waiters[0];
    if (background) this.#chill();
    else if (first !== undefined) {
      this.#leave(first.id);
      this.#answer(first.id, `failed ${dial}`, "failures");
    }
    this.#dial();
  }

  /** @param fit - whether the connection is released without an error and has no unread bytes. */
  release(conn: ModelConn, fit: boolean): void {
    take(this.used, conn);
    if (!fit) this.evictions.unhealthy += 1;
    else if (this.now - conn.openedAt >= this.#settings.lifetimeMs) this.evictions.max_lifetime += 1;
    else this.#handOver(conn, true);
    this.#dial();
  }

  destroyed(conn: ModelConn): void {
    if (this.used.includes(conn)) {
      take(this.used, conn);
      this.evictions.destroyed += 1;
    } else {
      take(this.idle, conn);
      this.evictions.stale += 1;
      if (!conn.lent) this.#chill();
    }
    this.#dial();
  }

  pass(ms: number): void {
    const end = this.now + ms;
    for (let next = this.#nextEvent(end); next !== undefined; next = this.#nextEvent(end)) {
      this.now = Math.max(this.now, next.at);
      next.happens();
      this.#dial();
    }
    this.now = end;
  }

  drain(): void {
    this.closed = true;
    this.#warmAt = undefined;
    this.evictions.drain += this.idle.length;
    this.idle.length = 0;
    for (const { id } of this.waiters) this.#answer(id, "PoolClosedError", "failures");
    this.waiters.length = 0;
    this.dials = [];
  }

  close(): void {
    this.drain();
    this.evictions.drain += this.used.length;
    this.used.length = 0;
  }

  #nextEvent(end: number): { at: number; happens: () => void } | undefined {
    const { acquireTimeoutMs, idleTimeoutMs, lifetimeMs, minIdle } = this.#settings;
    const events: { at: number; happens: () => void }[] = [];
    const [first] = this.waiters;
    if (first !== undefined) {
      const happens = () => this.#giveUp(first.id, "PoolTimeoutError", "timeouts");
      events.push({ at: first.since + acquireTimeoutMs, happens });
    }
    for (const [index, conn] of this.idle.entries()) {
      const old = { at: conn.openedAt + lifetimeMs, reason: "max_lifetime" } as const;
      const tired = { at: conn.since + idleTimeoutMs, reason: "idle" } as const;
      const { at, reason } = index < this.idle.length - minIdle && tired.at < old.at ? tired : old;
      const happens = () => {
        take(this.idle, conn);
        this.evictions[reason] += 1;
      };
      events.push({ at, happens });
    }
    if (this.#warmAt !== undefined) {
      const happens = () => {
        this.#warmAt = undefined;
      };
      events.push({ at: this.#warmAt, happens });
    }
    const due = events.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
    return due[0];
  }

  #takeIdle(): ModelConn | undefined {
    const { ttlMs, idleTimeoutMs, lifetimeMs, minIdle } = this.#settings;
    for (let conn = this.idle.pop(); conn !== undefined; conn = this.idle.pop()) {
      const age = this.now - conn.openedAt;
      if (age > ttlMs || age >= lifetimeMs) this.evictions.max_lifetime += 1;
      else if (this.now - conn.since >= idleTimeoutMs && this.idle.length + 1 > minIdle) this.evictions.idle += 1;
      else return conn;
    }
    return undefined;
  }

  #handOver(conn: ModelConn, used: boolean): void {
    const [first] = this.waiters;
    if (first !== undefined) {
      this.#leave(first.id);
      this.#lend(conn, first.id, used ? "hits" : "misses");
    } else if (this.closed) this.evictions.drain += 1;
    else if (this.idle.length >= this.#settings.maxIdle) this.evictions.overflow += 1;
    else {
      conn.since = this.now;
      this.idle.push(conn);
    }
  }

  #lend(conn: ModelConn, id: number, outcome: "hits" | "misses"): void {
    conn.lent = true;
    this.#warmFailures = 0;
    this.used.push(conn);
    this.#answer(id, conn.id, outcome);
    this.#dial();
  }

  #answer(id: number, answer: Answer, outcome: "hits" | "misses" | "timeouts" | "canceled" | "failures"): void {
    this.answers.set(id, answer);
    this.counts[outcome] += 1;
  }

  #giveUp(id: number, answer: Answer, outcome: "timeouts" | "canceled"): void {
    this.#leave(id);
    this.#answer(id, answer, outcome);
    if (this.#lacking < 0) {
      const spare = this.#left.at(-1);
      if (spare !== undefined) this.#endDial(spare);
    }
    this.#dial();
  }

  #leave(id: number): void {
    take(
      this.waiters,
      this.waiters.find((each) => each.id === id),
    );
    const own = this.dials.find(({ waiter }) => waiter === id);
    if (own === undefined) return;
    own.waiter = undefined;
    this.#left.push(own.id);
  }

  #endDial(id: number): ModelDial {
    const dial = this.dials.find((each) => each.id === id);
    if (dial === undefined) throw new Error(`the model has no dial ${id}`);
    this.dials = this.dials.filter((each) => each !== dial);
    this.#left = this.#left.filter((each) => each !== id);
    return dial;
  }

  /** Starts a dial for each waiter and for minIdle, as long as maxOpen permits. */
  #dial(): void {
    if (this.closed) return;
    const room = () => this.idle.length + this.used.length + this.dials.length < this.#settings.maxOpen;
    while (this.waiters.length > this.dials.length && room()) {
      const waiter = this.waiters.find(({ id }) => this.dials.every((dial) => dial.waiter !== id));
      this.dials.push({ id: this.dialsBegun, background: false, waiter: waiter?.id });
      this.dialsBegun += 1;
    }
    while (this.#warmAt === undefined && this.#lacking > 0 && room()) {
      this.dials.push({ id: this.dialsBegun, background: true, waiter: undefined });
      this.dialsBegun += 1;
    }
  }

  get #lacking(): number {
    return this.#settings.minIdle - this.idle.length - (this.dials.length - this.waiters.length);
  }

  /** A background dial failed, or an unused connection was lost. */
  #chill(): void {
    const { minIdle, random } = this.#settings;
    if (minIdle === 0 || this.#warmAt !== undefined) return;
    this.#warmFailures += 1;
    this.#warmAt = this.now + random * Math.min(30_000, 1_000 * 2 ** (this.#warmFailures - 1));
  }
}

function take<T>(list: T[], item: T | undefined): void {
  const index = list.indexOf(item as T);
  if (index < 0) throw new Error("the model is inconsistent");
  list.splice(index, 1);
}
