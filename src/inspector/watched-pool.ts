import type { ObservedPool, PoolCounts, PoolTrace } from "../pool/pool-trace.ts";
import { printable } from "../support/printable.ts";
import { guarded } from "../support/user-call.ts";
import type { PoolSummary, PoolTargetSummary } from "./snapshot.ts";

/** Maximum number of targets of one pool in a snapshot. */
const maxTargets = 20;
const maxTargetBytes = 300;

/** The hook of one pool. Its state is read on demand, so that an acquire costs nothing. */
export class WatchedPool implements PoolTrace {
  readonly #pool: ObservedPool;
  readonly #id: number;
  readonly #name: string;
  readonly #ended: () => void;

  constructor(pool: ObservedPool, id: number, name: string, ended: () => void) {
    this.#pool = pool;
    this.#id = id;
    this.#name = name;
    this.#ended = ended;
  }

  end(): void {
    this.#ended();
  }

  /** Summarizes the pool's current state, or returns `undefined` if it cannot be read. */
  summary(): PoolSummary | undefined {
    const stats = guarded("a pool's stats()", () => this.#pool.stats());
    if (stats === undefined) return undefined;
    const targets = [...stats.targets].map(([target, counts]) => targetOf(target, counts));
    targets.sort((one, other) => other.waiting - one.waiting || other.used - one.used);
    const { used, idle, dialing, waiting, hits, misses, timeouts, canceled, failures } = stats;
    const { maxOpen } = this.#pool;
    return {
      id: this.#id,
      name: this.#name,
      maxOpen: Number.isFinite(maxOpen) ? maxOpen : undefined,
      used,
      idle,
      dialing,
      waiting,
      hits,
      misses,
      timeouts,
      canceled,
      failures,
      targets: { total: targets.length, shown: targets.slice(0, maxTargets) },
    };
  }
}

function targetOf(target: string, { used, idle, dialing, waiting }: PoolCounts): PoolTargetSummary {
  return { target: printable(target, maxTargetBytes), used, idle, dialing, waiting };
}
