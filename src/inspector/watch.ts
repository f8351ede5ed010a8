import type { ClientObserver } from "../client/client-trace.ts";
import type { Observer } from "../core/trace.ts";
import { LinkedList } from "../support/linked-list.ts";
import { DialerCounts } from "./dialer-counts.ts";
import { Ring } from "./ring.ts";
import { WatchedClient } from "./watched-client.ts";
import { type DialWatcher, type OpenConnection, WatchedDial } from "./watched-dial.ts";

/** Names of dialers that are told apart; one made anew for each request must not grow the table for ever. */
const maxNames = 100;
const otherName = "_OTHER";

/** All that an inspector knows: what is under way, what is open, and the last of what is over. */
export class Watch implements DialWatcher {
  readonly running = new LinkedList<WatchedDial>();
  readonly open = new LinkedList<OpenConnection>();
  readonly clients = new Set<WatchedClient>();
  readonly counts = new Map<string, DialerCounts>();
  readonly #recent: Ring<WatchedDial>;
  /** Apart from the others: where dials are many, those that succeed would sweep them away. */
  readonly #failures: Ring<WatchedDial>;
  #lastId = 0;
  #revision = 0;

  constructor(recentDials: number, recentFailures: number) {
    this.#recent = new Ring(recentDials);
    this.#failures = new Ring(recentFailures);
  }

  /** How often something has changed. */
  get revision(): number {
    return this.#revision;
  }

  changed(): number {
    this.#revision += 1;
    return this.#revision;
  }

  dials(name: string): Observer {
    const counts = this.#countsOf(name);
    return (dial, clock) => new WatchedDial(dial, clock, counts, this);
  }

  clientsOf(name: string | undefined): ClientObserver {
    return (client) => {
      const watched = new WatchedClient(client, this.nextId(), name ?? client.name ?? "default", () =>
        this.clients.delete(watched),
      );
      this.clients.add(watched);
      return watched;
    };
  }

  remember(dial: WatchedDial): void {
    const ring = dial.record.outcome === "failure" ? this.#failures : this.#recent;
    ring.push(dial);
  }

  /** Dials that are over and still remembered. */
  over(): WatchedDial[] {
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
