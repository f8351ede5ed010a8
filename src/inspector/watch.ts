import type { ClientObserver } from "../client/client-trace.ts";
import type { Observer } from "../core/trace.ts";
import type { Layer } from "../engine/layer-info.ts";
import type { PoolObserver } from "../pool/pool-trace.ts";
import { LinkedList } from "../support/linked-list.ts";
import { printable } from "../support/printable.ts";
import { DialerCounts } from "./dialer-counts.ts";
import { Ring } from "./ring.ts";
import { WatchedClient } from "./watched-client.ts";
import { type DialWatcher, type OpenConnection, WatchedDial } from "./watched-dial.ts";
import { WatchedPool } from "./watched-pool.ts";

/** Maximum number of dialer names, so that an application that keeps creating names does not exhaust memory. */
const maxNames = 100;
const otherName = "_OTHER";

/** The state of an inspector: dials in progress, open connections, pools, clients, and recent dials. */
export class Watch implements DialWatcher {
  readonly running = new LinkedList<WatchedDial>();
  readonly open = new LinkedList<OpenConnection>();
  readonly clients = new Set<WatchedClient>();
  readonly pools = new Set<WatchedPool>();
  /** Template of links to traces. */
  readonly traceLink: string | undefined;
  readonly counts = new Map<string, DialerCounts>();
  readonly #recent: Ring<WatchedDial>;
  /** Kept separately, so that frequent successes do not displace failures. */
  readonly #failures: Ring<WatchedDial>;
  #lastId = 0;
  #revision = 0;

  constructor(recentDials: number, recentFailures: number, traceLink?: string) {
    this.traceLink = traceLink;
    this.#recent = new Ring(recentDials);
    this.#failures = new Ring(recentFailures);
  }

  /** Number of changes so far. */
  get revision(): number {
    return this.#revision;
  }

  changed(): number {
    this.#revision += 1;
    return this.#revision;
  }

  dials(name: string): Observer {
    const shown = printable(name);
    let counts: DialerCounts | undefined;
    // Not before the first dial: an observer that is never composed must not be on the page.
    return (dial, clock) => {
      counts ??= this.#countsOf(shown);
      return new WatchedDial(dial, clock, counts, this);
    };
  }

  /** Records the layers of a dialer of this name. */
  composed(name: string, outermost: Layer): void {
    this.#countsOf(printable(name)).stacks.add(outermost);
    this.changed();
  }

  clientsOf(name: string | undefined): ClientObserver {
    return (client) => {
      const shown = printable(name ?? client.name ?? "default");
      const watched = new WatchedClient(client, this.nextId(), shown, () => this.clients.delete(watched));
      this.clients.add(watched);
      return watched;
    };
  }

  poolsOf(name: string): PoolObserver {
    return (pool) => {
      const watched = new WatchedPool(pool, this.nextId(), printable(name), () => this.pools.delete(watched));
      this.pools.add(watched);
      return watched;
    };
  }

  remember(dial: WatchedDial): void {
    const ring = dial.record.outcome === "failure" ? this.#failures : this.#recent;
    ring.push(dial);
  }

  /** Returns the ended dials that are still remembered. */
  remembered(): WatchedDial[] {
    return [...this.#recent.values(), ...this.#failures.values()];
  }

  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  #countsOf(name: string): DialerCounts {
    const known = this.counts.has(name) || this.counts.size < maxNames ? name : otherName;
    const counts = this.counts.get(known) ?? new DialerCounts(known);
    this.counts.set(known, counts);
    return counts;
  }
}
