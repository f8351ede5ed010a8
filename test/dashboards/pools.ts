import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { DialError, type Lease, type Pool, PoolTimeoutError, pool, tcp } from "../../src/index.ts";
import { poolMetrics } from "../../src/prometheus.ts";
import { goodPeer } from "../support/peers.ts";
import { until } from "../support/resources.ts";
import type { Part, Process, Stage } from "./stage.ts";

/** Limits of the pools, and the events of the pool `roomy`. */
export const poolNumbers = {
  full: { maxOpen: 2, waiting: 3, acquireTimeoutMs: 400 },
  roomy: {
    maxOpen: 4,
    hits: 8,
    misses: 7,
    failures: 1,
    canceled: 1,
    evictions: { overflow: 1, unhealthy: 1, destroyed: 1, stale: 2 },
    /** Connections at the end. */
    used: 1,
    idle: 1,
  },
};

/** Two pools: `full`, where callers time out until the scenario ends, and `roomy`, which is healthy. */
export async function preparePools({ registries, tally, unserved, keep, dialer, goOn }: Stage): Promise<Part> {
  const peers = { full: keep(await goodPeer()), roomy: keep(await goodPeer()) };
  const make = (
    process: Process,
    name: string,
    options: { maxOpen: number; maxIdle: number; acquireTimeoutMs: number },
  ) =>
    keep(
      pool({
        dialer: dialer(process, name, tcp()),
        trace: poolMetrics({ registry: registries[process], name }),
        idleTimeoutMs: Number.POSITIVE_INFINITY, // What is idle in the end must still be there.
        ...options,
      }),
    );
  const { maxOpen, acquireTimeoutMs, waiting } = poolNumbers.full;
  const full = make("a", "full", { maxOpen, maxIdle: maxOpen, acquireTimeoutMs });
  const roomy = make("b", "roomy", { maxOpen: poolNumbers.roomy.maxOpen, maxIdle: 2, acquireTimeoutMs: 10_000 });
  const held: Lease<Socket>[] = [];

  /** Acquires a connection and counts the outcome. */
  async function acquire(
    label: string,
    from: Pool,
    target: string,
    signal?: AbortSignal,
  ): Promise<Lease<Socket> | undefined> {
    const begun = performance.now();
    try {
      const lease = await from.acquire(target, { ...(signal && { signal }) });
      tally.add(`${label} ${lease.reused ? "hit" : "miss"}`);
      return lease;
    } catch (error) {
      const outcome =
        error instanceof PoolTimeoutError ? "timeout" : error instanceof DialError ? "failure" : "canceled";
      tally.add(`${label} ${outcome}`);
      tally.took(`${label} ${outcome}`, (performance.now() - begun) / 1000);
      return undefined;
    }
  }

  async function playFull(): Promise<void> {
    const ask = () => acquire("full", full, peers.full.address);
    for (let count = 0; count < maxOpen; count += 1) held.push((await ask()) as Lease<Socket>);
    for (let count = 0; count < waiting; count += 1) {
      // Acquires again immediately, so that every scrape sees the same number of waiting callers.
      goOn(0, async () => (await ask())?.release());
      await sleep(acquireTimeoutMs / waiting);
    }
  }

  async function playRoomy(): Promise<void> {
    const ask = async () => (await acquire("roomy", roomy, peers.roomy.address)) as Lease<Socket>;
    const first = await Promise.all([ask(), ask(), ask()]);
    for (const lease of first) lease.release(); // One more than maxIdle.
    for (let count = 0; count < 6; count += 1) {
      const lease = await ask();
      await sleep(10);
      lease.release();
    }
    (await ask()).release(new Error("spoke nonsense"));
    const broken = await ask();
    broken.conn.destroy();
    broken.release();
    await acquire("roomy", roomy, unserved);
    await acquire("roomy", roomy, peers.roomy.address, AbortSignal.abort());
    for (const lease of await Promise.all([ask(), ask()])) lease.release();
    await until(() => peers.roomy.open.size === roomy.stats().open, "the peer has the pool's connections");
    for (const socket of peers.roomy.open) socket.end();
    await until(() => roomy.stats().open === 0, "the pool has noticed the close of its peer");
    const [kept, given] = await Promise.all([ask(), ask()]);
    held.push(kept);
    given.release();
  }

  return {
    open: () => full.stats().open + roomy.stats().open,
    async play() {
      await Promise.all([playFull(), playRoomy()]);
    },
    calm() {
      // Released to waiting callers first.
      for (const lease of held) if (String(lease.target) === peers.full.address) lease.release();
    },
  };
}
