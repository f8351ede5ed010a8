import assert from "node:assert/strict";
import { after, test } from "node:test";
import { readStatus } from "../../src/nats/status.ts";
import { connect, errorName, stockConnect } from "../support/nats-line.ts";
import { type NatsServer, startNats } from "../support/nats-server.ts";
import { openSockets, until } from "../support/resources.ts";

type Client = Awaited<ReturnType<typeof connect>>;
type Options = Parameters<typeof stockConnect>[0];

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

/** Internal members of nats-core that its own tests and some programs read. */
interface Insides {
  readonly protocol: {
    readonly transport: { disconnect(): void };
    readonly servers: { getCurrentServer(): { readonly lastConnect: number } };
    readonly subscriptions: { size(): number };
    disconnect(): void;
    sendCommand(command: string): void;
  };
}
const insidesOf = (nc: Client) => (nc as unknown as Insides).protocol;

interface Scene {
  readonly nc: Client;
  readonly server: NatsServer;
  /** Types of the statuses so far, without those caused by INFO. */
  readonly told: string[];
  readonly times: (type: string) => number;
}

/** Runs `act` with the client's own `connect`, then with ours, and expects the same result. */
async function same(options: Options, act: (scene: Scene) => Promise<unknown>, config = ""): Promise<void> {
  const outcomes: unknown[] = [];
  for (const connectWith of [stockConnect, connect] as (typeof stockConnect)[]) {
    await using server = await startNats([], config);
    const nc = (await connectWith({ servers: server.address, ...options })) as Client;
    const told: string[] = [];
    void (async () => {
      for await (const status of nc.status()) {
        const { type } = readStatus(status);
        if (type !== "update" && type !== "ping") told.push(type);
      }
    })();
    const scene = { nc, server, told, times: (type: string) => told.filter((each) => each === type).length };
    try {
      outcomes.push(await act(scene));
    } finally {
      await nc.close();
    }
  }
  assert.deepEqual(outcomes[1], outcomes[0]);
}

/** Name of the error that `work` fails with; `undefined` if it succeeds. */
async function failure(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    return errorName(error);
  }
  return "none";
}

const soon = { reconnectTimeWait: 20, reconnectJitter: 0, maxReconnectAttempts: -1 };

test("statuses of a forced reconnect are those of the client's own connect", async () => {
  await same(soon, async ({ nc, told, times }) => {
    await nc.reconnect();
    await until(() => times("reconnect") === 1, "the client is back");
    return told;
  });
});

test("statuses of an outage are those of the client's own connect and end with the last attempt", async () => {
  await same({ ...soon, maxReconnectAttempts: 4 }, async ({ nc, server, told }) => {
    await server.stop();
    await nc.closed();
    await until(() => told.length >= 5, "every event is reported");
    return told.filter((type) => type !== "close");
  });
});

test("the status reconnecting comes when an attempt begins, after its delay, as in the client's own connect", async () => {
  const reconnectTimeWait = 300;
  await same({ reconnectTimeWait, reconnectJitter: 0, maxReconnectAttempts: 1 }, async ({ nc, server, times }) => {
    const { servers } = insidesOf(nc);
    const { lastConnect } = servers.getCurrentServer();
    const waited = (async () => {
      await until(() => times("reconnecting") === 1, "an attempt is reported");
      // The clocks may differ by a millisecond of rounding.
      const least = lastConnect + reconnectTimeWait - 2;
      return { told: Date.now() >= least, noted: servers.getCurrentServer().lastConnect >= least };
    })();
    await server.stop();
    assert.deepEqual(await waited, { told: true, noted: true });
    await nc.closed();
  });
});

test("statuses of a loss with reconnect: false are those of the client's own connect", async () => {
  await same({ reconnect: false }, async ({ nc, server, told, times }) => {
    await server.stop("SIGTERM");
    const error = await nc.closed();
    await until(() => times("disconnect") === 1, "the loss is reported");
    return [told.filter((type) => type !== "close"), error === undefined];
  });
});

test("statuses of a stale connection are those of the client's own connect", async () => {
  await same(soon, async ({ nc, told, times }) => {
    insidesOf(nc).disconnect();
    await until(() => times("reconnect") === 1, "the client is back");
    return told;
  });
});

test("a protocol error ends the connection and not the client, as in the client's own connect", async () => {
  await same(soon, async ({ nc, told, times }) => {
    insidesOf(nc).sendCommand("X\r\n");
    await until(() => times("reconnect") === 1, "the client is back");
    return told;
  });
});

test("a protocol error ends a client with reconnect: false, as in the client's own connect", async () => {
  await same({ reconnect: false }, async ({ nc }) => {
    insidesOf(nc).sendCommand("X\r\n");
    return errorName(await nc.closed());
  });
});

test("a socket error ends a client with reconnect: false and is what closed() resolves to", async () => {
  await same({ reconnect: false }, async ({ nc }) => {
    const { socket } = insidesOf(nc).transport as unknown as { socket: NodeJS.EventEmitter };
    socket.emit("error", new Error("something bad happened"));
    socket.emit("close");
    return String(await nc.closed());
  });
});

test("the methods of a closed client fail with the errors of the client's own connect", async () => {
  await same({}, async ({ nc }) => {
    const sub = nc.subscribe("a", { callback() {} });
    await nc.close();
    return [
      await failure(() => nc.publish("a")),
      await failure(() => nc.subscribe("a")),
      await failure(() => nc.request("a")),
      await failure(() => nc.drain()),
      await failure(() => nc.rtt()),
      await failure(() => nc.reconnect()),
      await failure(() => sub.drain()),
      await failure(() => sub.unsubscribe()),
      nc.info === undefined,
      String(await nc.closed()),
    ];
  });
});

test("the methods of a draining client fail with the errors of the client's own connect", async () => {
  await same({}, async ({ nc }) => {
    nc.subscribe("a", { callback() {} });
    const drained = nc.drain();
    const failures = [await failure(() => nc.drain()), await failure(() => nc.subscribe("a"))];
    await drained;
    return [failures, nc.isClosed(), await failure(() => nc.publish("a"))];
  });
});

test("requests without a responder, or cut short by a close, fail as in the client's own connect", async () => {
  await same({}, async ({ nc }) => {
    nc.subscribe("silent", { callback() {} });
    const muxed = await failure(() => nc.request("unserved", "", { timeout: 30_000 }));
    const single = await failure(() => nc.request("unserved", "", { timeout: 30_000, noMux: true }));
    const overtaken = failure(() => nc.request("silent", "", { timeout: 30_000 }));
    await nc.close();
    return [muxed, single, await overtaken];
  });
});

test("permission errors reach the subscription and the client as in the client's own connect", async () => {
  const config = `authorization { users: [ { user: worker, password: work, permissions: {
    publish: "open", subscribe: ["open", "_INBOX.>"] } } ] }`;
  const options = { user: "worker", pass: "work", reconnect: false } as const;
  await same(
    options,
    async ({ nc, told, times }) => {
      const refused = new Promise<string>((resolve) => {
        nc.subscribe("closed", { callback: (error) => resolve(errorName(error)) });
      });
      const name = await refused;
      nc.publish("closed");
      await nc.flush();
      await until(() => times("error") === 2, "both errors are reported");
      return [name, told, nc.isClosed(), insidesOf(nc).subscriptions.size()];
    },
    config,
  );
});
