import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { ConnectOptions, ServersChangeInfo } from "../../src/nats.ts";
import { growth } from "../support/growth.ts";
import { connecting } from "../support/nats-client.ts";
import { startCluster } from "../support/nats-cluster.ts";
import { infoLine } from "../support/nats-peer.ts";
import { freePort } from "../support/peers.ts";
import { recordingPeer } from "../support/recording-peer.ts";
import { openSockets, until } from "../support/resources.ts";

const connect = connecting();
after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

const fast = { noRandomize: true, reconnectDelayHandler: () => 5, maxReconnectAttempts: -1 };

type Client = Awaited<ReturnType<typeof connect>>;

interface Pool {
  getServers(): { listen: string; gossiped: boolean }[];
  update(info: object): { added: string[]; deleted: string[] };
}

const poolOf = (nc: Client) => (nc as unknown as { protocol: { servers: Pool } }).protocol.servers;
const discovered = (nc: Client) =>
  poolOf(nc)
    .getServers()
    .filter((each) => each.gossiped)
    .map((each) => each.listen);

const good = "10.0.0.7:4222";

const odd: [string, unknown, string[]][] = [
  ["an IPv4 address in the form of IPv6 without brackets", ["::ffff:10.0.0.1:4222", good], [good]],
  ["an invalid host", ["http://[", "a b:1", "%zz:1", good], [good]],
  ["an invalid port", ["10.0.0.1:99999", "10.0.0.1:x", good], [good]],
  ["entries that are not strings", [4222, null, {}, ["a"], good], [good]],
  ["an empty entry", ["", good], [good]],
  ["a path of a unix socket", ["unix:/tmp/x", good], [good]],
  ["an entry of a megabyte less", ["x".repeat(500_000), good], [good]],
  ["one server several times", [good, good, good.toUpperCase()], [good]],
  ["a server without a port", ["10.0.0.7"], [good]],
  ["null in place of the list", null, []],
  ["a string in place of the list", "10.0.0.1:4222", []],
  ["a number in place of the list", 5, []],
  ["an object in place of the list", { length: 3 }, []],
  ["an empty list", [], []],
];

for (const [what, urls, expected] of odd) {
  test(`connect_urls with ${what} are skipped if they cannot be dialed, in the first and in later INFOs`, async () => {
    await using first = await recordingPeer(() => ({ connect_urls: urls }));
    const nc = await connect({ servers: first.address, ...fast });
    assert.deepEqual(discovered(nc), expected);
    await nc.close();

    await using later = await recordingPeer();
    const other = await connect({ servers: later.address, ...fast });
    later.say(infoLine({ connect_urls: urls }));
    await other.flush();
    assert.deepEqual(discovered(other), expected);
    assert.equal(other.isClosed(), false);
  });
}

test("a server whose name differs in each INFO is not added again", async () => {
  await using server = await recordingPeer(() => ({
    connect_urls: ["[::ffff:10.0.0.1]:4222", "[0:0::1]:4222", "N1:1"],
  }));
  const changes: ServersChangeInfo[] = [];
  const nc = await connect({ servers: server.address, ...fast, onDiscoveredServers: (change) => changes.push(change) });
  const before = discovered(nc);
  assert.equal(before.length, 3);
  for (let round = 0; round < 3; round += 1)
    server.say(infoLine({ connect_urls: ["[::ffff:10.0.0.1]:4222", "[::1]:4222", "n1:1"] }));
  await nc.flush();
  assert.deepEqual(discovered(nc).sort(), before.sort());
  assert.equal(changes.length, 1);
});

test("an INFO without connect_urls keeps the discovered servers", async () => {
  await using server = await recordingPeer(() => ({ connect_urls: [good] }));
  const nc = await connect({ servers: server.address, ...fast });
  server.say(infoLine());
  await nc.flush();
  assert.deepEqual(discovered(nc), [good]);
  server.say(infoLine({ connect_urls: ["10.0.0.8:4222"] }));
  await nc.flush();
  assert.deepEqual(discovered(nc), ["10.0.0.8:4222"]);
});

test("INFO without max_payload is accepted, and messages of any size are sent", async () => {
  await using server = await recordingPeer(() => ({ max_payload: undefined }));
  const nc = await connect({ servers: server.address, ...fast });
  nc.publish("news", "x".repeat(2_000_000));
  await nc.flush();
});

const urls = (count: number, net: number) =>
  Array.from({ length: count }, (_, index) => `10.${net}.${index >> 8}.${index & 255}:4222`);

test("1,024 of 40,000 connect_urls join the pool, and 40,000 other connect_urls replace them", async () => {
  await using server = await recordingPeer();
  const nc = await connect({ servers: server.address, ...fast });
  for (const net of [1, 2]) {
    server.say(infoLine({ connect_urls: urls(40_000, net) }));
    await until(
      () => discovered(nc).length > 0 && discovered(nc).every((each) => each.startsWith(`10.${net}.`)),
      "they are read",
    );
    await nc.flush();
    assert.equal(discovered(nc).length, 1_024);
  }
});

test("merging connect_urls does not take quadratic time", async () => {
  await using server = await recordingPeer();
  const nc = await connect({ servers: server.address, ...fast });
  const pool = poolOf(nc);
  const merge = (count: number) => {
    pool.update({ connect_urls: urls(count, 1) });
    pool.update({ connect_urls: urls(count, 2) });
  };
  // Quadratic time would be 10,000 times as long.
  const ratio = growth(merge, 400, 40_000);
  assert.ok(ratio < 100, `${ratio} times as long for 100 times as many`);
});

function diary(): { lines: string[]; options: ConnectOptions } {
  const lines: string[] = [];
  const options: ConnectOptions = {
    onConnect: () => lines.push("connect"),
    onReconnect: () => lines.push("reconnect"),
    onDiscoveredServers: ({ added }) => lines.push(`discovered ${added}`),
  };
  return { lines, options };
}

test("onDiscoveredServers is called after onConnect with the servers of the first INFO", async () => {
  await using server = await recordingPeer(() => ({ connect_urls: [good] }));
  const { lines, options } = diary();
  await connect({ servers: server.address, ...fast, ...options });
  assert.deepEqual(lines, ["connect", `discovered ${good}`]);
  server.say(infoLine({ connect_urls: [good, "10.0.0.8:4222"] }));
  await until(() => lines.length > 2, "the other client is notified");
  assert.deepEqual(lines.slice(2), ["discovered 10.0.0.8:4222"]);
});

test("onDiscoveredServers is not called by a connect that fails", async () => {
  await using server = await recordingPeer(
    () => ({ connect_urls: [`127.0.0.1:${port}`] }),
    (socket) => socket.end("-ERR 'Authorization Violation'\r\n"),
  );
  const port = await freePort();
  const { lines, options } = diary();
  await assert.rejects(connect({ servers: server.address, ...fast, ...options }));
  assert.deepEqual(lines, []);
});

test("onDiscoveredServers never names the connected server, by its socket address or its own host", async () => {
  await using server = await recordingPeer(() => ({
    host: "nats.example",
    port: 4222,
    connect_urls: [server.address, "nats.example:4222", good],
  }));
  const { lines, options } = diary();
  await connect({ servers: `localhost:${server.port}`, ...fast, ...options });
  assert.deepEqual(lines, ["connect", `discovered ${good}`]);
});

test("a client that knows a node of a cluster by name discovers only the others", async () => {
  await using cluster = await startCluster({ nodes: 2 });
  const [first, second] = cluster.nodes;
  const { lines, options } = diary();
  await connect({ servers: `localhost:${first?.port}`, ...fast, ...options });
  await until(() => lines.length === 2, "the other client is notified");
  assert.deepEqual(lines, ["connect", `discovered ${second?.address}`]);
});
