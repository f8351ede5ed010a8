import assert from "node:assert/strict";
import { after, test } from "node:test";
import { type NatsConnection, connect as stockConnect, wsconnect } from "@nats-io/transport-node";
import { compose, type Dialer, tcp } from "../../src/index.ts";
import { type ClientTrace, connect, keepTransport } from "../../src/nats.ts";
import { wsFactory } from "../../src/nats-ws.ts";
import { type NatsServer, natsServer, startNats } from "../support/nats-server.ts";
import { transportOf } from "../support/nats-transport.ts";
import { startNatsWebsocket } from "../support/nats-websocket.ts";
import { freePort } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

const eager = { reconnectTimeWait: 20, reconnectJitter: 0, maxReconnectAttempts: -1 };

const kinds = ["plain", "websocket", "ours"] as const;
type Kind = (typeof kinds)[number];

const transports: Record<Kind, string> = {
  plain: "NodeTransport",
  websocket: "WsTransport",
  ours: "dialed NodeTransport",
};

const orders: readonly (readonly Kind[])[] = [
  ["plain", "websocket", "ours"],
  ["plain", "ours", "websocket"],
  ["websocket", "plain", "ours"],
  ["websocket", "ours", "plain"],
  ["ours", "plain", "websocket"],
  ["ours", "websocket", "plain"],
];

/** A dialer over `tcp()` that counts its dials. */
function counting() {
  const base = compose(tcp());
  const counted = { dials: 0, dialer: base };
  counted.dialer = ((target, options) => {
    counted.dials += 1;
    return base(target, options);
  }) satisfies Dialer;
  return counted;
}

async function told(nc: NatsConnection, type: "disconnect" | "reconnect"): Promise<void> {
  const statuses = nc.status();
  let heard = false;
  const listen = async () => {
    for await (const status of statuses) {
      heard ||= status.type === type;
      if (heard) break;
    }
  };
  void listen();
  await until(() => heard, `the client reports its ${type}`);
}

async function echoes(nc: NatsConnection, text: string): Promise<void> {
  assert.equal((await nc.request("echo", text, { timeout: 30_000 })).string(), text);
}

/** Connects one client of each kind in `order`, each to its own server. */
async function oneOfEach(order: readonly Kind[]) {
  const websocket = await startNatsWebsocket();
  const servers: Record<Kind, NatsServer> = { plain: await startNats(), websocket, ours: await startNats() };
  const counted = { websocket: counting(), ours: counting() };
  const make: Record<Kind, () => Promise<NatsConnection>> = {
    plain: () => stockConnect({ servers: servers.plain.address, ...eager }),
    websocket: () =>
      wsconnect({
        servers: `ws://127.0.0.1:${websocket.wsPort}`,
        wsFactory: wsFactory({ dialer: counted.websocket.dialer }),
        ...eager,
      }),
    ours: () => connect({ servers: servers.ours.address, dialer: counted.ours.dialer, ...eager }),
  };
  const clients = {} as Record<Kind, NatsConnection>;
  for (const kind of order) {
    const nc = await make[kind]();
    keepTransport(nc);
    nc.subscribe("echo", { callback: (_, msg) => void msg.respond(msg.data) });
    clients[kind] = nc;
  }
  return {
    servers,
    clients,
    counted,
    async [Symbol.asyncDispose]() {
      for (const kind of kinds) await clients[kind].close();
      for (const kind of kinds) await servers[kind][Symbol.asyncDispose]();
    },
  };
}

for (const order of orders) {
  test(`connections made in the order ${order.join(", ")} reconnect over their own transports in any order of losses`, async () => {
    await using world = await oneOfEach(order);
    const { servers, clients, counted } = world;
    for (const losses of orders) {
      const before = { websocket: counted.websocket.dials, ours: counted.ours.dials };
      const back = new Map<Kind, Promise<void>>();
      for (const kind of losses) {
        const lost = told(clients[kind], "disconnect");
        back.set(kind, told(clients[kind], "reconnect"));
        await servers[kind].stop();
        await lost;
      }
      for (const kind of losses) {
        await servers[kind].start();
        await back.get(kind);
        await echoes(clients[kind], `${kind} is back`);
      }
      for (const kind of kinds) {
        assert.equal(transportOf(clients[kind]), transports[kind], `${kind}, lost in the order ${losses}`);
        await echoes(clients[kind], "still there");
      }
      assert.ok(counted.websocket.dials > before.websocket, "the websocket was dialed");
      assert.ok(counted.ours.dials > before.ours, "ours was dialed");
    }
  });
}

test("a connection of this package reconnects whichever other client connected last", async () => {
  await using servers = await startNatsWebsocket();
  const { dialer } = counting();
  const ours = await connect({ servers: servers.address, dialer, ...eager });
  const others = [
    () =>
      wsconnect({ servers: `ws://127.0.0.1:${servers.wsPort}`, wsFactory: wsFactory({ dialer }), reconnect: false }),
    () => stockConnect({ servers: servers.address, reconnect: false }),
  ];
  for (const other of [...others, ...others]) {
    const last = await other();
    const back = told(ours, "reconnect");
    await ours.reconnect();
    await back;
    await ours.flush();
    assert.equal(transportOf(ours), "dialed NodeTransport");
    await last.close();
  }
  await ours.close();
});

test("a process-wide factory that throws does not end reconnects", async () => {
  await using server = await startNats();
  const ours = await connect({ servers: server.address, ...eager });
  const plain = await stockConnect({ servers: server.address, ...eager });
  keepTransport(plain);
  for (let round = 0; round < 3; round += 1) {
    await assert.rejects(wsconnect({ servers: "ws://127.0.0.1:1", tls: {} }), /tls/);
    for (const nc of [plain, ours]) {
      const back = told(nc, "reconnect");
      await nc.reconnect();
      await back;
      await nc.flush();
    }
    assert.deepEqual([transportOf(ours), transportOf(plain)], ["dialed NodeTransport", "NodeTransport"]);
  }
  await ours.close();
  await plain.close();
});

/** Two servers with a route between them. */
async function cluster(): Promise<[NatsServer, NatsServer]> {
  const [one, two] = [await freePort(), await freePort()];
  const config = (port: number, other: number) =>
    `cluster { name: pair, host: "127.0.0.1", port: ${port}, routes: ["nats://127.0.0.1:${other}"] }`;
  return [await natsServer([], config(one, two)), await natsServer([], config(two, one))];
}

for (const when of ["before", "after"] as const) {
  test(`in a cluster, with wsconnect ${when} our connect, the pool has each server once and reports only changes`, async () => {
    const [first, second] = await cluster();
    await using _first = first;
    await using _second = second;
    await first.start();
    await second.start();
    await using elsewhere = await startNatsWebsocket();
    const websocket = () =>
      wsconnect({
        servers: `ws://127.0.0.1:${elsewhere.wsPort}`,
        wsFactory: wsFactory({ dialer: counting().dialer }),
        reconnect: false,
      });

    const known = new Set([first.address]);
    const stale: string[] = [];
    let changes = 0;
    const trace: ClientTrace = {
      serversChange({ added, removed }) {
        changes += 1;
        for (const server of added) if (known.has(server)) stale.push(`${server} was there`);
        for (const server of removed) if (!known.delete(server)) stale.push(`${server} was not there`);
        for (const server of added) known.add(server);
      },
    };
    const other = when === "before" ? await websocket() : undefined;
    const ours = await connect({ servers: first.address, trace, ...eager });
    const late = other ?? (await websocket());
    const pool = () => {
      const { protocol } = ours as unknown as { protocol: { servers: { getServers(): { listen: string }[] } } };
      return protocol.servers
        .getServers()
        .map(({ listen }) => listen)
        .sort();
    };
    const both = [first.address, second.address].sort();
    const settled = (servers: readonly string[], what: string) => until(() => `${pool()}` === `${servers}`, what);

    await settled(both, "the second server is discovered");
    for (let round = 0; round < 3; round += 1) {
      await second.stop();
      await settled([first.address], "the second server is gone");
      await second.start();
      await settled(both, "the second server is back");
      const back = told(ours, "reconnect");
      await ours.reconnect();
      await back;
      await ours.flush();
      await settled(both, "the pool is the same after a reconnect");
    }
    assert.deepEqual(stale, []);
    assert.ok(changes >= 3);
    assert.deepEqual([...known].sort(), both);
    await ours.close();
    await late.close();
  });
}
