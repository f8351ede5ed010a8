import type { Duplex } from "node:stream";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { withBreaker } from "../../src/breaker.ts";
import { compose, type Lease, type Middleware, pool, withRetry } from "../../src/index.ts";
import type { Inspector } from "../../src/inspector.ts";
import { withTracing } from "../../src/otel.ts";
import { scriptedDialer } from "../../src/testing.ts";
import { noLayer, playedConnection, refused } from "./scene.ts";

/** A layer that gives every dial a trace id, the same ones in each run. */
export function playedTracing(): Middleware {
  let last = 0;
  const nextId = (digits: number) => {
    last += 1;
    return ((last * 0x9e3779b1) % 2 ** 32).toString(16).padStart(8, "4bf92f35").padEnd(digits, "77b34da6a3ce929d");
  };
  const idGenerator = { generateTraceId: () => nextId(32), generateSpanId: () => nextId(16) };
  return withTracing({ tracerProvider: new BasicTracerProvider({ idGenerator }) });
}

/** Simulates a dialer whose first attempts are all refused: every dial succeeds, because of its retries. */
export async function playMended(page: Inspector, above = noLayer): Promise<void> {
  const base = scriptedDialer(Array.from({ length: 25 }, () => [refused("10.0.5.1:9200"), "connect"] as const).flat());
  const retry = withRetry({ maxAttempts: 2, backoff: () => 0 });
  const dial = compose(above, page.observe({ name: "search" }), retry, base);
  for (let index = 0; index < 25; index += 1) (await dial("search.internal:9200")).destroy();
}

/** Simulates a target that is down, behind a breaker that has opened. */
export async function playBreaker(page: Inspector): Promise<void> {
  const breaker = withBreaker({ breaker: { consecutive: 2 }, halfOpenAfterMs: 60_000 });
  const dial = compose(page.observe({ name: "legacy" }), breaker, scriptedDialer([refused("10.0.9.9:6379")]));
  for (let index = 0; index < 3; index += 1) await dial("10.0.9.9:6379").catch(() => {});
}

/** Simulates a pool with leased and idle connections and one acquire that waits. Dispose of it to end the pool. */
export async function playPool(page: Inspector, above = noLayer): Promise<AsyncDisposable> {
  const base = async () => playedConnection("10.0.7.20:5432", 20_418, 4_102, "TLSv1.3") as Duplex;
  const connections = pool<Duplex>({
    dialer: compose(above, page.observe({ name: "orders" }), base),
    maxOpen: 3,
    trace: page.pool({ name: "orders" }),
  });
  const acquire = (target: string) => connections.acquire(target);
  const leases: Lease<Duplex>[] = [];
  for (let index = 0; index < 3; index += 1) leases.push(await acquire("db.orders.internal:5432"));
  const other = await acquire("replica.orders.internal:5432");
  other.release();
  const waiting = acquire("db.orders.internal:5432").catch(() => {});
  return {
    async [Symbol.asyncDispose]() {
      for (const lease of leases) lease.release();
      await connections.close();
      await waiting;
    },
  };
}
