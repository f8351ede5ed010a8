import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { areJoined } from "../../examples/support/routes.ts";

type Routes = readonly { port: number; account?: string }[];

const clientPorts = { A: 4001, B: 4002, gone: 4003 };
type Id = keyof typeof clientPorts;
/** The pool's size at both, and the nodes that A announces. */
type Config = { pool?: number; announced?: readonly Id[] };

const [portOfA, portOfB, ephemeral] = [6001, 6002, 50_000];
const systemRoute = { port: ephemeral, account: "$SYS" };

/** Starts monitoring ports of the nodes A and B, which have these routes, and returns whether they are joined. */
async function joined(ofA: Routes, ofB: Routes, { pool, announced = ["A", "B"] }: Config = {}) {
  await using a = await monitor("A", portOfA, "B", ofA, announced, pool);
  await using b = await monitor("B", portOfB, "A", ofB, ["A", "B"], pool);
  return await areJoined([a.url, b.url]);
}

async function monitor(
  id: Id,
  port: number,
  other: string,
  routes: Routes,
  announced: readonly Id[],
  pool: number | undefined,
) {
  const answers: Readonly<Record<string, unknown>> = {
    "/varz": {
      server_id: id,
      host: "127.0.0.1",
      port: clientPorts[id],
      connect_urls: announced.length === 0 ? undefined : announced.map((each) => `127.0.0.1:${clientPorts[each]}`),
      cluster: { cluster_port: port, pool_size: pool },
    },
    "/routez": { routes: routes.map((route) => ({ remote_id: other, ...route })) },
  };
  const server = createServer((request, response) => response.end(JSON.stringify(answers[request.url ?? ""])));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
}

const [toA, toB, accepted] = [{ port: portOfA }, { port: portOfB }, { port: ephemeral }];

test("nodes are joined when one has dialed each route between them", async () => {
  assert.equal(await joined([toB], [accepted]), true);
  assert.equal(await joined([accepted], [toA]), true);
  const pool = 3;
  assert.equal(await joined([toB, toB, toB, systemRoute], [accepted, accepted, accepted, systemRoute], { pool }), true);
  assert.equal(await joined([toB, accepted, accepted], [accepted, toA, toA], { pool }), true);
});

test("a node without others is joined", async () => {
  await using only = await monitor("A", portOfA, "B", [], [], undefined);
  assert.equal(await areJoined([only.url]), true);
});

test("nodes are not joined while each counts the route that it has dialed itself", async () => {
  assert.equal(await joined([toB], [toA]), false);
});

test("nodes are not joined while a route is missing at one end", async () => {
  assert.equal(await joined([], []), false);
  assert.equal(await joined([toB], []), false);
  assert.equal(await joined([toB, toB], [accepted, accepted], { pool: 3 }), false);
  assert.equal(await joined([systemRoute], [systemRoute], { pool: 3 }), false);
});

test("nodes are not joined while one does not announce the other, or still announces one that is gone", async () => {
  for (const announced of [[], ["A"], ["A", "gone"], ["A", "B", "gone"]] as const) {
    assert.equal(await joined([toB], [accepted], { announced }), false, announced.join());
  }
});
