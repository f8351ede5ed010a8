import assert from "node:assert/strict";
import { after, test } from "node:test";
import { type ConnectOptions, ReconnectBufferError, type ServersChangeInfo } from "../../src/nats.ts";
import { connecting, eager, measured } from "../support/nats-client.ts";
import { startCluster } from "../support/nats-cluster.ts";
import { openSockets, until } from "../support/resources.ts";

const connect = connecting();
after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

type Client = Awaited<ReturnType<typeof connect>>;

/** Connects, and counts the client's reconnects. */
async function counting(options: ConnectOptions) {
  let reconnects = 0;
  let isUp = true;
  const nc = await connect({
    ...eager,
    ...options,
    onDisconnect: () => {
      isUp = false;
    },
    onReconnect: () => {
      isUp = true;
      reconnects += 1;
    },
  });
  return {
    nc,
    isUp: () => isUp,
    reconnects: () => reconnects,
  };
}

/** Waits until messages of `from` reach `to`: servers propagate subscriptions with a delay. */
async function reachable(from: Client, to: Client, subject: string): Promise<void> {
  let arrived = false;
  const subscription = to.subscribe(subject, {
    callback: () => {
      arrived = true;
    },
  });
  await to.flush();
  await until(
    () => {
      if (!arrived) from.publish(subject);
      return arrived;
    },
    `messages reach ${subject}`,
    20_000,
  );
  subscription.unsubscribe();
}

test("a client of one node discovers the other nodes, a node that joins and a node that leaves", async () => {
  await using cluster = await startCluster();
  const [first, second, third] = cluster.addresses as [string, string, string];
  const { dialer, trace, counted } = measured();
  const pool = new Set([first]);
  const added: string[] = [];
  const removed: string[] = [];
  const toldTwice: string[] = [];
  const discovered: string[] = [];
  const serversChange = (change: ServersChangeInfo) => {
    toldTwice.push(...change.added.filter((address) => pool.has(address)));
    toldTwice.push(...change.removed.filter((address) => !pool.has(address)));
    for (const address of change.added) pool.add(address);
    for (const address of change.removed) pool.delete(address);
    added.push(...change.added);
    removed.push(...change.removed);
  };
  const nc = await connect({
    servers: first,
    dialer,
    trace: [trace, { serversChange }],
    ...eager,
    onDiscoveredServers: (change) => discovered.push(...change.added),
  });
  const knows = async (...others: string[]) => {
    const expected = [first, ...others].sort().join();
    await until(() => [...pool].sort().join() === expected, `the client knows ${expected}`);
    assert.deepEqual(await counted("nats_client_server_count"), [
      "nats_client_server_source=configured → 1",
      `nats_client_server_source=discovered → ${others.length}`,
    ]);
  };
  await knows(second, third);
  const fourth = await cluster.addNode();
  await nc.flush(); // Every change that the server has announced arrives before its PONG.
  await knows(second, third, fourth.address);
  await cluster.kill(1);
  await knows(third, fourth.address);

  // A server that chooses between two routes to a new node may announce it, withdraw it, and announce it again.
  assert.deepEqual(toldTwice, []);
  assert.ok(removed.includes(second));
  assert.equal(added.length - removed.length, pool.size - 1);
  assert.deepEqual(discovered, added);
  assert.deepEqual(await counted("nats_client_server_changes_total"), [
    `nats_client_server_change=added → ${added.length}`,
    `nats_client_server_change=removed → ${removed.length}`,
  ]);
});

test("a client stays connected when a fourth node joins and the first three stop", async () => {
  await using cluster = await startCluster();
  const servers = cluster.addresses;
  const publisher = await counting({ servers });
  const subscriber = await counting({ servers });
  const received: string[] = [];
  subscriber.nc.subscribe("news", { callback: (_, msg) => void received.push(msg.string()) });

  const fourth = await cluster.addNode();
  const both = [publisher, subscriber];
  await Promise.all(both.map(({ nc }) => nc.flush())); // Their servers have announced the fourth before the PONG.
  for (const index of [0, 1, 2]) await cluster.kill(index);
  const onFourth = () => both.every(({ nc, isUp }) => isUp() && nc.getServer() === fourth.address);
  await until(onFourth, "both clients are on the fourth");

  await reachable(publisher.nc, subscriber.nc, "probe");
  for (let number = 0; number < 100; number += 1) publisher.nc.publish("news", String(number));
  await publisher.nc.flush();
  await until(() => received.length >= 100, "messages flow");
  assert.deepEqual(
    received,
    Array.from({ length: 100 }, (_, number) => String(number)),
  );
  for (const { nc } of both) assert.equal(nc.isClosed(), false);
  await Promise.all(both.map(({ nc }) => nc.close()));
});

test("with all nodes down publish fails at the buffer's limit and a subscriber closes after its attempts", async () => {
  await using cluster = await startCluster();
  const servers = cluster.addresses;
  const publisher = await counting({ servers, reconnectBufSize: 1024 });
  const subscriber = await counting({ servers, maxReconnectAttempts: 3 });
  subscriber.nc.subscribe("news");
  await subscriber.nc.flush();

  await Promise.all([0, 1, 2].map((index) => cluster.kill(index)));
  const error = await subscriber.nc.closed();
  assert.ok(error instanceof Error, "closed for a reason");
  assert.equal(subscriber.nc.isClosed(), true);
  await until(() => !publisher.isUp(), "the loss is noticed");
  assert.throws(() => {
    for (let sent = 0; sent <= 1024; sent += 100) publisher.nc.publish("news", "x".repeat(100));
  }, ReconnectBufferError);
  assert.equal(publisher.nc.isClosed(), false);
  await publisher.nc.close();
});

test("clients reconnect after all nodes were down, and messages flow", async () => {
  await using cluster = await startCluster();
  const { dialer, trace, counted } = measured();
  const servers = cluster.addresses;
  const publisher = await counting({ servers });
  const subscriber = await counting({ servers, dialer, trace });
  const received: string[] = [];
  subscriber.nc.subscribe("news", { callback: (_, msg) => void received.push(msg.string()) });
  await subscriber.nc.flush();

  for (const round of [1, 2]) {
    await Promise.all([0, 1, 2].map((index) => cluster.kill(index)));
    await until(() => !publisher.isUp() && !subscriber.isUp(), "both have noticed the loss");
    assert.deepEqual(await counted("nats_client_connection_status"), ["nats_client_state=reconnecting → 1"]);
    await Promise.all([0, 1, 2].map((index) => cluster.restart(index)));
    await cluster.formed(); // A route that is replaced loses messages.
    await until(() => publisher.isUp() && subscriber.isUp(), "both are back");
    assert.equal(subscriber.reconnects(), round);
    await reachable(publisher.nc, subscriber.nc, `probe.${round}`);
    publisher.nc.publish("news", `after ${round}`);
    await until(() => received.length === round, "the message arrives");
  }
  assert.deepEqual(received, ["after 1", "after 2"]);
  assert.deepEqual(await counted("nats_client_reconnect_succeeded_total"), [" → 2"]);
  assert.deepEqual(await counted("nats_client_connection_status"), ["nats_client_state=connected → 1"]);
  await Promise.all([publisher, subscriber].map(({ nc }) => nc.close()));
});

test("a queue group gets each message once across a failover, and all that are published after it", async () => {
  await using cluster = await startCluster();
  const [first, second, third] = cluster.addresses as [string, string, string];
  const received = new Map<string, string[]>();
  const member = async (name: string, servers: string[]) => {
    const client = await counting({ servers, noRandomize: true });
    client.nc.subscribe("jobs", {
      queue: "workers",
      callback: (_, msg) => {
        const takers = received.get(msg.string()) ?? [];
        received.set(msg.string(), [...takers, name]);
      },
    });
    return client;
  };
  const members = [
    await member("a", [first, second, third]),
    await member("b", [second, third, first]),
    await member("c", [third, first, second]),
  ];
  const publisher = await counting({ servers: [third, second, first], noRandomize: true });
  const jobs = (prefix: string) => Array.from({ length: 300 }, (_, number) => `${prefix} ${number}`);
  const all = [publisher, ...members];
  const settled = async (round: string) => {
    await until(() => all.every(({ isUp }) => isUp()), "every client is connected");
    for (const [index, each] of members.entries()) await reachable(publisher.nc, each.nc, `${round}.${index}`);
  };
  const published = async (names: string[]) => {
    for (const name of names) publisher.nc.publish("jobs", name);
    await publisher.nc.flush();
    await until(() => names.every((name) => received.has(name)), "every job is taken");
  };

  await settled("before");
  await published(jobs("before"));
  for (const [round, index] of [0, 1].entries()) {
    await cluster.kill(index);
    for (const name of jobs(`during ${round}`)) publisher.nc.publish("jobs", name);
    await until(() => (members[index]?.reconnects() ?? 0) > 0, "its member has moved");
    await settled(`after.${round}`);
    await published(jobs(`after ${round}`));
  }
  assert.ok(all.every(({ nc }) => nc.getServer() === third));
  for (const [name, takers] of received) assert.equal(takers.length, 1, `${name} was taken by ${takers}`);
  assert.deepEqual([...new Set([...received.values()].flat())].sort(), ["a", "b", "c"], "all of them work");
  await Promise.all(all.map(({ nc }) => nc.close()));
});
