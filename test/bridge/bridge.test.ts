import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { describe, test } from "node:test";
import {
  type BridgeErrorInfo,
  type BridgeListenOptions,
  type BridgeOptions,
  type BridgeServer,
  bridge,
} from "../../src/bridge.ts";
import {
  compose,
  type DialDoneInfo,
  DialError,
  type Dialer,
  type DialOptions,
  tcp,
  withTrace,
} from "../../src/index.ts";
import { scriptedDialer } from "../../src/testing.ts";
import { freePort, type Peer, peer, resettingPeer } from "../support/peers.ts";
import { activeResources, until } from "../support/resources.ts";
import { socketLedger } from "../support/socket-ledger.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { rawClient, whereOf } from "./raw-client.ts";

const where: Record<"tcp" | "a unix socket", () => BridgeListenOptions> = {
  tcp: () => ({ port: 0 }),
  "a unix socket": () => ({ path: join(temporaryFolder(), "b.sock") }),
};

/** A dialer that never connects, and records how its dials end. */
function hangingDialer() {
  const dials: { options: DialOptions | undefined; aborted: boolean }[] = [];
  const outcomes: string[] = [];
  const hang: Dialer = (_target, options) =>
    new Promise((_resolve, reject) => {
      const dial = { options, aborted: false };
      dials.push(dial);
      options?.signal?.addEventListener("abort", () => {
        dial.aborted = true;
        reject(options.signal?.reason);
      });
    });
  const layer = withTrace({ dialDone: ({ outcome }: DialDoneInfo) => void outcomes.push(outcome) });
  return { dialer: compose(layer, hang), dials, outcomes };
}

async function start(options: Partial<BridgeOptions> & { peer?: Peer }, at = where.tcp()): Promise<BridgeServer> {
  const { peer: given, ...rest } = options;
  return bridge({ dialer: tcp(), target: given?.address ?? "127.0.0.1:1", ...rest }).listen(at);
}

for (const [kind, at] of Object.entries(where)) {
  describe(`over ${kind}`, () => {
    test(`a bridge over ${kind} passes bytes in both directions`, async () => {
      await using echo = await peer((socket) => socket.pipe(socket));
      await using server = await start({ peer: echo }, at());
      const client = await rawClient(server);
      client.socket.write("ping");
      await client.receives((text) => text === "ping");
      client.socket.end();
      assert.equal(await client.closed, undefined);
    });

    test(`a bridge over ${kind} passes the greeting of a server that speaks first`, async () => {
      await using mail = await peer((socket) => socket.write("220 ready\r\n"));
      await using server = await start({ peer: mail }, at());
      const client = await rawClient(server);
      await client.receives((text) => text === "220 ready\r\n");
    });

    test(`a client over ${kind} that has ended its side still gets the answer`, async () => {
      await using slow = await peer((socket) => {
        socket.allowHalfOpen = true;
        let sent = "";
        socket.on("data", (data) => {
          sent += data;
        });
        socket.on("end", () => setTimeout(() => socket.end(`got ${sent}`), 20));
      });
      await using server = await start({ peer: slow }, at());
      const client = await rawClient(server);
      client.socket.end("question");
      assert.equal(await client.closed, undefined);
      assert.equal(client.received, "got question");
    });

    test(`a client over ${kind} can send after the server has ended its side`, async () => {
      let sent = "";
      await using first = await peer((socket) => {
        socket.allowHalfOpen = true;
        socket.end("bye");
        socket.on("data", (data) => {
          sent += data;
        });
      });
      await using server = await start({ peer: first }, at());
      const client = await rawClient(server);
      await until(() => client.ended, "the end of the server's data arrives");
      client.socket.end("last words");
      assert.equal(await client.closed, undefined);
      await until(() => first.open.size === 0, "the server's connection ends");
      assert.equal(sent, "last words");
    });

    test(`1,000 clients over ${kind} that connect at once each get their own answer`, async () => {
      await using echo = await peer((socket) => socket.pipe(socket));
      await using server = await start({ peer: echo }, at());
      const clients = await Promise.all(Array.from({ length: 1000 }, () => rawClient(server)));
      await Promise.all(
        clients.map(async (client, index) => {
          client.socket.write(`<${index}>`);
          await client.receives((text) => text === `<${index}>`);
        }),
      );
      assert.equal(server.connections, 1000);
      assert.equal(echo.accepted, 1000);
      for (const { socket } of clients) socket.end();
      await until(() => server.connections === 0 && echo.open.size === 0, "every connection is closed");
    });

    test(`a server over ${kind} that does not read stops its client`, async () => {
      await using stuck = await peer((socket) => socket.pause());
      await using server = await start({ peer: stuck }, at());
      const { socket } = await rawClient(server);
      const piece = Buffer.alloc(1 << 20);
      let taken = 0;
      for (let stalled = false; !stalled && taken < 256; taken += 1) {
        const accepted = socket.write(piece) || (await drained(socket));
        stalled = !accepted;
      }
      assert.ok(taken < 128, `the client could send ${taken} MB that are not read`);
      socket.destroy();
    });

    test(`a client over ${kind} that does not read stops the server`, async () => {
      let written = 0;
      await using generous = await peer((socket) => {
        const piece = Buffer.alloc(1 << 20);
        const send = () => {
          while (written < 256 && !socket.destroyed) {
            written += 1;
            if (!socket.write(piece)) break;
          }
        };
        socket.on("drain", send);
        send();
      });
      await using server = await start({ peer: generous }, at());
      const client = connect(whereOf(server));
      client.on("error", () => {});
      await once(client, "connect");
      client.pause();
      await until(() => generous.accepted === 1, "the bridge has dialed");
      let before = -1;
      while (before !== written) {
        before = written;
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
      assert.ok(written < 128, `the server could send ${written} MB that are not read`);
      client.destroy();
    });

    test(`a client over ${kind} that leaves without a byte cancels its dial`, async () => {
      const { dialer, dials, outcomes } = hangingDialer();
      const errors: unknown[] = [];
      await using server = await start({ dialer, onError: (error) => errors.push(error) }, at());
      const client = await rawClient(server);
      await until(() => dials.length === 1, "the dial has started");
      client.socket.destroy();
      await until(() => server.connections === 0, "the client is gone");
      assert.deepEqual(outcomes, ["canceled"]);
      assert.deepEqual(errors, []);
    });

    test(`a client over ${kind} that leaves after its first bytes cancels its dial at the half-open timeout`, async () => {
      const { dialer, dials, outcomes } = hangingDialer();
      await using server = await start({ dialer, halfOpenTimeoutMs: 50 }, at());
      const client = await rawClient(server);
      await until(() => dials.length === 1, "the dial has started");
      client.socket.end("HELLO\r\n");
      await until(() => server.connections === 0, "the client is gone");
      assert.deepEqual(outcomes, ["canceled"]);
      client.socket.destroy();
    });

    test(`a request over ${kind} that ends before the connection exists reaches the server with its end`, async () => {
      await using echo = await peer((socket) => {
        socket.allowHalfOpen = true;
        socket.pipe(socket);
      });
      let connectNow = () => {};
      const gate = new Promise<void>((resolve) => {
        connectNow = resolve;
      });
      const dial = compose(tcp());
      const late: Dialer = async (target, options) => {
        await gate;
        return dial(target, options);
      };
      await using server = await start({ peer: echo, dialer: late }, at());
      const client = await rawClient(server);
      const request = "x".repeat(200_000);
      client.socket.end(request);
      await once(client.socket, "finish").catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 30));
      connectNow();
      assert.equal(await client.closed, undefined);
      assert.equal(client.received.length, request.length);
    });

    test(`closing a server over ${kind} cancels dials, ends connections and resolves when nothing is left`, async () => {
      await using echo = await peer((socket) => socket.pipe(socket));
      const before = activeResources();
      const { dialer: hang, dials, outcomes } = hangingDialer();
      const dial = compose(tcp());
      let nth = 0;
      const dialer: Dialer = (target, options) => {
        nth += 1;
        return nth === 1 ? dial(target, options) : hang(target, options);
      };
      const server = await start({ peer: echo, dialer }, at());
      const connected = await rawClient(server);
      connected.socket.write("x");
      await connected.receives((text) => text === "x");
      const dialing = await rawClient(server);
      await until(() => dials.length === 1, "the second dial has started");
      const closing = server.close();
      assert.equal(server.close(), closing);
      await closing;
      await server.closed;
      assert.equal(server.connections, 0);
      assert.deepEqual(outcomes, ["canceled"]);
      for (const client of [connected, dialing]) {
        // A unix socket can't be reset: its peer sees the end of the data.
        await until(() => client.ended || client.socket.closed, "the client sees that its connection is closed");
        client.socket.destroy();
        await client.closed;
      }
      await until(() => echo.open.size === 0, "the server's side is closed");
      await nothingMore(before);
      await assert.rejects(rawClient(server));
    });
  });
}

test("the client of a bridge whose dial fails is reset, and onError and the hooks get the reason", async () => {
  const port = await freePort();
  const errors: { error: unknown; info: BridgeErrorInfo }[] = [];
  const reasons: unknown[] = [];
  const dialer = compose(withTrace({ dialDone: ({ reason }) => void reasons.push(reason) }), tcp());
  await using server = await start({
    dialer,
    target: `127.0.0.1:${port}`,
    onError: (error, info) => errors.push({ error, info }),
  });
  const client = await rawClient(server);
  assert.equal(await client.closed, "ECONNRESET");
  const [only, ...others] = errors;
  assert.deepEqual(others, []);
  assert.ok(only?.error instanceof DialError);
  assert.equal(only.error.code, "ECONNREFUSED");
  assert.equal(only.info.phase, "dial");
  assert.equal(only.info.reason, "refused");
  assert.equal(String(only.info.target), `127.0.0.1:${port}`);
  assert.deepEqual(reasons, ["refused"]);
});

test("a client of a bridge is reset when its server resets the connection", async () => {
  await using resetting = await peer((socket) => socket.once("data", () => socket.resetAndDestroy()));
  await using server = await start({ peer: resetting });
  const client = await rawClient(server);
  client.socket.write("x");
  assert.equal(await client.closed, "ECONNRESET");
  await using immediately = await resettingPeer();
  await using second = await start({ peer: immediately });
  assert.equal(await (await rawClient(second)).closed, "ECONNRESET");
});

test("the server is reset when a client of a bridge resets its connection", async () => {
  let code: string | undefined;
  await using watching = await peer((socket) =>
    socket.resume().on("error", (error: NodeJS.ErrnoException) => {
      code = error.code;
    }),
  );
  await using server = await start({ peer: watching });
  const client = await rawClient(server);
  client.socket.write("x");
  await until(() => watching.open.size === 1, "the bridge has dialed");
  client.socket.resetAndDestroy();
  await until(() => watching.open.size === 0, "the server's connection is closed");
  assert.equal(code, "ECONNRESET");
});

test("a client that resets its connection during the dial cancels it, even after its first bytes", async () => {
  const { dialer, dials, outcomes } = hangingDialer();
  await using server = await start({ dialer });
  const client = await rawClient(server);
  client.socket.write("HELLO\r\n");
  await until(() => dials.length === 1, "the dial has started");
  // Linux reports a reset that arrives with unread bytes as the end of the data.
  await new Promise((resolve) => setTimeout(resolve, 50));
  client.socket.resetAndDestroy();
  await until(() => server.connections === 0, "the client is gone");
  assert.deepEqual(outcomes, ["canceled"]);
});

test("a connection of a bridge that one side has ended is closed after the half-open timeout", async () => {
  await using deaf = await peer((socket) => {
    socket.allowHalfOpen = true;
    socket.resume();
  });
  const ledger = socketLedger();
  const dialer = compose(ledger.layer, tcp());
  await using server = await start({ peer: deaf, dialer, halfOpenTimeoutMs: 50 });
  const client = await rawClient(server);
  // Before that, the timeout would cancel the dial.
  await until(() => ledger.sockets[0]?.handedOut === true, "the bridge has dialed");
  client.socket.end("question");
  await until(() => ledger.sockets[0]?.closes.length === 1, "the dialed connection is closed");
  await until(() => server.connections === 0, "the client's connection is closed");
  client.socket.destroy();
});

test("drain() of a bridge refuses new clients and waits for the connections", async () => {
  await using echo = await peer((socket) => socket.pipe(socket));
  await using server = await start({ peer: echo });
  const client = await rawClient(server);
  client.socket.write("1");
  await client.receives((text) => text === "1");
  let drained = false;
  const draining = server.drain().then(() => {
    drained = true;
  });
  await assert.rejects(rawClient(server), { code: "ECONNREFUSED" });
  client.socket.write("2");
  await client.receives((text) => text === "12");
  assert.equal(drained, false);
  client.socket.end();
  await draining;
});

test("the dials of a bridge run in the background, and their owner is the listening server", async () => {
  const { dialer, dials } = hangingDialer();
  await using server = await start({ dialer });
  const client = await rawClient(server);
  await until(() => dials.length === 1, "the dial has started");
  assert.equal(dials[0]?.options?.background, true);
  assert.equal(dials[0]?.options?.owner, server);
  client.socket.destroy();
});

test("a bridge reports the connections that it ends as closed locally and those of the server as closed remotely", async () => {
  const ledger = socketLedger();
  await using echo = await peer((socket) => socket.once("data", () => socket.end()).resume());
  await using server = await start({ peer: echo, dialer: compose(ledger.layer, tcp()) });
  const ended = await rawClient(server);
  await until(() => ledger.sockets.length === 1, "the bridge has dialed");
  ended.socket.write("x");
  await until(() => ended.ended, "the server has ended");
  ended.socket.end();
  const left = await rawClient(server);
  await until(() => ledger.sockets.length === 2, "the bridge has dialed again");
  left.socket.resetAndDestroy();
  await until(() => ledger.sockets.every(({ closes }) => closes.length === 1), "every connection is closed once");
  assert.deepEqual(
    ledger.sockets.map(({ closes }) => closes[0]),
    ["remote", "local"],
  );
});

test("clients that leave at random moments leave no connection, dial or timer", async () => {
  await using echo = await peer((socket) => socket.pipe(socket));
  const before = activeResources();
  const outcomes: string[] = [];
  const dialer = compose(withTrace({ dialDone: ({ outcome }) => void outcomes.push(outcome) }), tcp());
  const server = await start({ peer: echo, dialer });
  const clients = 600;
  await Promise.all(
    Array.from({ length: clients }, async (_, index) => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 200));
      const socket = connect(whereOf(server));
      socket.on("error", () => {});
      if (index % 2 === 0) socket.write("x".repeat(1 + Math.random() * 50_000));
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 4));
      if (index % 3 === 0) socket.resetAndDestroy();
      else socket.destroy();
    }),
  );
  await until(() => server.connections === 0 && echo.open.size === 0, "every connection is closed");
  assert.ok(outcomes.length <= clients);
  assert.deepEqual(
    [...new Set(outcomes)].filter((each) => each !== "success" && each !== "canceled"),
    [],
  );
  await server.close();
  await nothingMore(before);
});

test("a bridge accepts a dialer of any kind of stream, such as a scripted one", async () => {
  const base = scriptedDialer(["connect"]);
  await using server = await bridge({ dialer: base, target: "db.internal:5432" }).listen();
  const client = await rawClient(server);
  await until(() => base.calls.length === 1, "the bridge has dialed");
  assert.equal(String(base.calls[0]?.target), "db.internal:5432");
  client.socket.destroy();
});

test("a stream of a dialer that cannot be piped is reported, and its client is reset", async () => {
  const stream = new Duplex({ read() {} });
  Object.assign(stream, { pipe: undefined });
  const reported: string[] = [];
  await using server = await bridge<Duplex>({
    dialer: async () => stream,
    target: "db.internal:5432",
    onError: (error, { phase }) => reported.push(`${phase} ${(error as Error).name}`),
  }).listen();
  const client = await rawClient(server);
  assert.equal(await client.closed, "ECONNRESET");
  assert.deepEqual(reported, ["dial TypeError"]);
  assert.ok(stream.destroyed);
});

/** Whether the socket takes more before nothing has moved for a while. */
async function drained(socket: Socket): Promise<boolean> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), 400);
  try {
    await once(socket, "drain", { signal: abort.signal });
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

async function nothingMore(before: Record<string, number>): Promise<void> {
  const kinds = ["TCPSocketWrap", "PipeWrap", "TCPServerWrap", "PipeServerWrap", "Timeout", "ConnectWrap"];
  const left = () =>
    kinds.filter((kind) => (activeResources()[kind] ?? 0) > (before[kind] ?? 0) + (kind === "Timeout" ? 1 : 0));
  await until(() => left().length === 0, `left: ${left()}`).catch(() => assert.deepEqual(left(), []));
}
