import { setTimeout as sleep } from "node:timers/promises";
import type { NatsCluster } from "./nats-cluster.ts";

export interface ChaosOptions {
  readonly forMs: number;
  /** Random numbers that select the nodes, the faults and their durations. */
  readonly random: () => number;
  /** Whether a majority may be down at once; otherwise one node at a time. */
  readonly withoutQuorum: boolean;
  readonly signal?: AbortSignal;
  /** Called before each fault. */
  tell(deed: Deed): void;
}

/** A fault of one process of a cluster. */
export interface Deed {
  readonly what: string;
  readonly node: number;
  readonly awayMs: number;
  /** Id of the affected process. A restart creates a new process. */
  readonly pid: number;
  /** How the process ended; `undefined` if it did not. */
  readonly end: ProcessEnd | undefined;
}

/** `killed` sends SIGKILL; `stopped` shuts the process down gracefully. */
export type ProcessEnd = "killed" | "stopped";

interface Kind {
  readonly end?: ProcessEnd;
  befall(cluster: NatsCluster, node: number, awayMs: number): Promise<void>;
}

const kinds: Readonly<Record<string, Kind>> = {
  kill: {
    end: "killed",
    async befall(cluster, node, awayMs) {
      await cluster.kill(node);
      await sleep(awayMs);
      await cluster.restart(node);
    },
  },
  freeze: {
    async befall(cluster, node, awayMs) {
      await cluster.freeze(node);
      await sleep(awayMs);
      await cluster.thaw(node);
    },
  },
  "freeze, then kill": {
    end: "killed",
    async befall(cluster, node, awayMs) {
      await cluster.freeze(node);
      await sleep(awayMs);
      await cluster.kill(node);
      await cluster.restart(node);
    },
  },
  restart: {
    end: "stopped",
    async befall(cluster, node, awayMs) {
      await cluster.stop(node);
      await sleep(awayMs);
      await cluster.restart(node);
    },
  },
};

/**
 * Injects a fault into one or two nodes of a cluster every 1 to 3 seconds. Resolves when the time is over and every
 * node is running again.
 */
export async function chaos(cluster: NatsCluster, options: ChaosOptions): Promise<void> {
  const { forMs, random, withoutQuorum, signal } = options;
  const between = (low: number, high: number) => low + random() * (high - low);
  const oneOf = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const befall = async (node: number) => {
    const [what, kind] = oneOf(Object.entries(kinds));
    const awayMs = Math.round(between(200, 2_500));
    const pid = cluster.nodes[node]?.pid;
    if (pid === undefined) throw new Error(`n${node + 1} is not running`);
    options.tell({ what, node, awayMs, pid, end: kind.end });
    await kind.befall(cluster, node, awayMs);
  };

  const endAt = performance.now() + forMs;
  while (performance.now() < endAt && !signal?.aborted) {
    const next = sleep(between(1_000, 3_000));
    const first = Math.floor(between(0, cluster.nodes.length));
    const second = (first + 1) % cluster.nodes.length;
    const nodes = withoutQuorum && random() < 0.25 ? [first, second] : [first];
    // Waits for all nodes, so that none is restarted after the test.
    for (const outcome of await Promise.allSettled(nodes.map(befall))) {
      if (outcome.status === "rejected") throw outcome.reason;
    }
    await next;
  }
}
