import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { PassThrough } from "node:stream";
import { describe, test } from "node:test";
import { type ConnClosedInfo, compose, pool, tcp, tls, withTrace } from "../../src/index.ts";
import { authority } from "../support/certificates.ts";
import { goodPeer, type Peer, peer } from "../support/peers.ts";
import { seededRandom } from "../support/random.ts";
import { openSockets, openTimers, until } from "../support/resources.ts";
import { tlsPeer } from "../support/tls-peers.ts";

/** An echo server. */
const echoPeer = () => peer((socket) => socket.pipe(socket));

const serverSide = (from: Peer): Socket => [...from.open][0] as Socket;

async function echo(conn: Socket, text: string): Promise<string> {
  conn.write(text);
  let heard = "";
  while (heard.length < text.length) {
    const [chunk] = await once(conn, "data");
    heard += chunk;
  }
  return heard;
}

/** The reading mode of a connection. */
const modeOf = (conn: Socket) => ({
  flowing: conn.readableFlowing,
  paused: conn.isPaused(),
  unread: conn.readableLength,
  listeners: Object.fromEntries(conn.eventNames().map((name) => [name, conn.listenerCount(name)])),
});

describe("the mode of a leased connection", () => {
  const uses: Readonly<Record<string, (conn: Socket) => Promise<unknown>>> = {
    "after 'data' listeners": (conn) => echo(conn, "one"),
    "after a pause": async (conn) => {
      await echo(conn, "one");
      conn.pause();
    },
    "after 'readable' listeners": async (conn) => {
      conn.write("one");
      await once(conn, "readable");
      assert.equal(String(conn.read()), "one");
    },
    "after resume() without a listener": async (conn) => conn.resume(),
    "after a pipe": async (conn) => {
      const [chunk] = await Promise.all([
        new Promise<Buffer>((resolve) => {
          const sink = new PassThrough();
          sink.once("data", (data) => {
            conn.unpipe(sink);
            resolve(data);
          });
          conn.pipe(sink);
        }),
        conn.write("one"),
      ]);
      assert.equal(String(chunk), "one");
    },
    "without any use": async () => {},
  };
  for (const [name, use] of Object.entries(uses)) {
    for (const handedOver of [false, true]) {
      test(`a ${handedOver ? "waiter" : "later acquire"} gets a connection in the mode of a new one ${name}`, async () => {
        await using server = await echoPeer();
        await using connections = pool({ dialer: tcp(), maxOpen: 1 });
        const first = await connections.acquire(server.address);
        const fresh = modeOf(first.conn);
        assert.equal(fresh.flowing, null);
        await use(first.conn);
        const waiting = handedOver ? connections.acquire(server.address) : undefined;
        first.release();
        if (!handedOver) await new Promise((resolve) => setImmediate(resolve));
        const second = await (waiting ?? connections.acquire(server.address));
        assert.equal(second.conn, first.conn);
        assert.deepEqual(modeOf(second.conn), fresh);
        await new Promise((resolve) => setImmediate(resolve));
        assert.deepEqual(modeOf(second.conn), fresh, "the mode does not change later by itself");

        // No data flows before a listener is added; then all of it does.
        second.conn.write("two");
        await until(() => second.conn.readableLength === 3, "the echo");
        await new Promise((resolve) => setImmediate(resolve));
        assert.equal(String((await once(second.conn, "data"))[0]), "two");
        second.release();
      });
    }
  }

  test("a connection leased again in the same turn has the mode of a new one", async () => {
    await using server = await echoPeer();
    await using connections = pool({ dialer: tcp(), maxOpen: 1 });
    for (let turn = 0; turn < 20; turn += 1) {
      using lease = await connections.acquire(server.address);
      assert.equal(lease.conn.readableFlowing, null);
      assert.equal(await echo(lease.conn, `turn ${turn}`), `turn ${turn}`);
      if (turn % 2 === 0) lease.conn.pause();
    }
    assert.equal(server.accepted, 1);
  });

  test("a server's greeting can be read from a leased connection", async () => {
    await using server = await peer((socket) => socket.write("hello"));
    await using connections = pool({ dialer: tcp() });
    const lease = await connections.acquire(server.address);
    await until(() => lease.conn.readableLength === 5, "the greeting");
    assert.equal(String((await once(lease.conn, "data"))[0]), "hello");
    lease.release();
    assert.equal(connections.stats().idle, 1);
  });

  test("listeners that a protocol keeps on a connection are called in later leases", async () => {
    await using server = await echoPeer();
    await using connections = pool({ dialer: tcp() });
    const first = await connections.acquire(server.address);
    const heard: string[] = [];
    first.conn.on("data", (data) => heard.push(String(data)));
    first.release();
    await new Promise((resolve) => setImmediate(resolve));
    const second = await connections.acquire(server.address);
    second.conn.write("parsed");
    await until(() => heard.length > 0, "the listener to be called");
    assert.deepEqual(heard, ["parsed"]);
    second.release();
  });
});

describe("how an idle connection ends", () => {
  const endings: Readonly<Record<string, (socket: Socket) => unknown>> = {
    "when bytes arrive on it, and no lease gets them": (socket) => socket.write("unexpected data"),
    "when its peer ends it": (socket) => socket.end(),
    "when its peer resets it": (socket) => socket.resetAndDestroy(),
  };
  for (const [name, end] of Object.entries(endings)) {
    test(`an idle connection is closed ${name}`, async () => {
      await using server = await echoPeer();
      const closed: ConnClosedInfo[] = [];
      const evicted: string[] = [];
      await using connections = pool({
        dialer: compose(withTrace({ connClosed: (info) => closed.push(info) }), tcp()),
        trace: { evicted: ({ reason }) => void evicted.push(reason) },
      });
      const lease = await connections.acquire(server.address);
      const heard: unknown[] = [];
      await echo(lease.conn, "one");
      lease.release();
      const { conn } = lease;
      const { read } = conn;
      conn.read = (size) => {
        const chunk = read.call(conn, size);
        if (chunk !== null) heard.push(chunk);
        return chunk;
      };
      end(serverSide(server));
      await until(() => conn.destroyed, "the connection is evicted");
      assert.deepEqual(evicted, ["stale"]);
      assert.deepEqual(heard, []);
      assert.equal(closed[0]?.reason, name.includes("resets") ? "reset" : "stale");
      const { open, idle, evictions } = connections.stats();
      assert.deepEqual([open, idle, evictions.stale], [0, 0, 1]);
      const next = await connections.acquire(server.address);
      assert.equal(next.reused, false);
      next.release();
    });
  }

  test("an idle connection that is destroyed is removed from the pool", async () => {
    await using server = await goodPeer();
    await using connections = pool({ dialer: tcp() });
    const lease = await connections.acquire(server.address);
    lease.release();
    lease.conn.destroy(new Error("by a holder of an old reference"));
    assert.equal(connections.stats().idle, 0);
    await until(() => lease.conn.closed, "the connection to be closed without an error listener");
  });
});

test("a TLS connection is leased again, and is closed immediately when bytes arrive while it is idle", async () => {
  const ca = authority();
  const certificate = ca.issue({ name: "db.test", alternatives: ["IP:127.0.0.1"] });
  await using server = await tlsPeer(certificate, (socket) => socket.on("data", (data) => socket.write(data)));
  await using connections = pool({ dialer: tls({ ca: ca.cert }) });
  const target = `127.0.0.1:${server.port}`;
  for (let turn = 0; turn < 5; turn += 1) {
    await using lease = await connections.acquire(target);
    assert.equal(lease.reused, turn > 0);
    assert.equal(lease.conn.readableFlowing, null);
    assert.equal(await echo(lease.conn, `turn ${turn}`), `turn ${turn}`);
  }
  // TLS session tickets have arrived by now, and must not close the connection.
  await new Promise((resolve) => setTimeout(resolve, 20));
  const lease = await connections.acquire(target);
  assert.equal(lease.reused, true);
  lease.release();
  server.secured[0]?.write("unexpected data");
  await until(() => lease.conn.destroyed, "the connection is evicted");
  assert.equal(connections.stats().evictions.stale, 1);
});

test("a leased connection that its server closes frees its place without a release, and a waiter gets a dial", async () => {
  await using server = await echoPeer();
  await using connections = pool({ dialer: tcp(), maxOpen: 1 });
  const lease = await connections.acquire(server.address);
  lease.conn.on("error", () => {});
  const waiting = connections.acquire(server.address);
  serverSide(server).resetAndDestroy();
  const next = await waiting;
  assert.equal(next.reused, false);
  lease.release();
  assert.equal(await echo(next.conn, "alive"), "alive");
  next.release();
  assert.deepEqual([connections.stats().evictions.destroyed, connections.stats().idle], [1, 1]);
});

test("the timers of a pool do not keep the process alive", async () => {
  await using server = await goodPeer();
  const before = openTimers();
  await using connections = pool({ dialer: tcp(), idleTimeoutMs: 60_000 });
  (await connections.acquire(server.address)).release();
  assert.equal(openTimers(), before);
});

test("an idle connection is closed after idleTimeoutMs of real time", async () => {
  await using server = await goodPeer();
  await using connections = pool({ dialer: tcp(), idleTimeoutMs: 30 });
  (await connections.acquire(server.address)).release();
  await until(() => connections.stats().evictions.idle === 1, "the idle timeout");
  await until(() => server.open.size === 0, "the server to notice");
});

test("many callers share few connections, every answer reaches its caller, and no socket is left", async () => {
  const random = seededRandom(20261121);
  const before = openSockets();
  {
    await using server = await peer((socket) => {
      socket.on("data", (data) => {
        // Some connections are ended by the server, during an answer or after it.
        const mood = random();
        if (mood < 0.02) socket.resetAndDestroy();
        else if (mood < 0.04) socket.end(data);
        else socket.write(data);
      });
    });
    await using connections = pool({ dialer: tcp(), maxOpen: 5, maxIdle: 3 });
    let lost = 0;
    let most = 0;
    const caller = async (id: number) => {
      const lease = await connections.acquire(server.address);
      most = Math.max(most, server.open.size);
      const { conn } = lease;
      const ended = new Promise<never>((_resolve, reject) => {
        conn.once("error", reject);
        conn.once("end", () => reject(new Error("ended")));
      });
      ended.catch(() => {});
      try {
        assert.equal(await Promise.race([echo(conn, `call ${id}`), ended]), `call ${id}`);
        conn.removeAllListeners("error");
        lease.release();
      } catch (error) {
        if ((error as Error).name === "AssertionError") throw error;
        lost += 1;
        conn.on("error", () => {});
        lease.release(error);
      }
    };
    await Promise.all(Array.from({ length: 500 }, (_none, id) => caller(id)));
    const { hits, misses, waiting, used } = connections.stats();
    assert.deepEqual([hits + misses, waiting, used], [500, 0, 0]);
    assert.ok(lost < 250, `${lost} of 500 were lost`);
    assert.ok(server.accepted < 250, `${server.accepted} connections for 500 calls`);
    assert.ok(most <= 10, `${most} open at once, as the server sees them`);
  }
  await until(() => openSockets() <= before, "all sockets to be closed");
});

describe("errors of a leased connection without an error listener", () => {
  for (const [what, use] of [
    ["no listener was added", () => {}],
    ["all listeners were removed", (conn: Socket) => conn.removeAllListeners()],
    [
      "an error listener was added and removed",
      (conn: Socket) => conn.on("error", () => {}).removeAllListeners("error"),
    ],
  ] as const) {
    test(`a leased connection that the peer resets does not end the process: ${what}`, async () => {
      await using server = await peer((socket) => void socket.once("data", () => socket.resetAndDestroy()));
      await using connections = pool({ dialer: compose(tcp()) });
      const lease = await connections.acquire(server.address);
      use(lease.conn);
      const closed = new Promise((resolve) => lease.conn.once("close", resolve));
      lease.conn.write("ping");
      await closed;
      await new Promise((resolve) => setImmediate(resolve));
      lease.release();
      assert.equal(connections.stats().open, 0);
    });
  }

  test("a connection destroyed with an error and released in the same turn does not end the process", async () => {
    await using server = await goodPeer();
    await using connections = pool({ dialer: compose(tcp()) });
    const lease = await connections.acquire(server.address);
    lease.conn.removeAllListeners();
    lease.conn.destroy(new Error("no more"));
    lease.release();
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(connections.stats().open, 0);
  });

  test("a write to a leased connection that its peer closed does not end the process", async () => {
    await using server = await peer((socket) => void setTimeout(() => socket.resetAndDestroy(), 4));
    await using connections = pool({ dialer: compose(tcp()) });
    for (let round = 0; round < 20; round += 1) {
      const lease = await connections.acquire(server.address);
      lease.conn.write("a");
      await new Promise((resolve) => setTimeout(resolve, 8));
      lease.conn.write("b");
      lease.release();
    }
    await until(() => connections.stats().open === 0, "all connections are closed");
  });

  test("an error listener of the leaseholder receives the connection's error", async () => {
    await using server = await peer((socket) => void socket.once("data", () => socket.resetAndDestroy()));
    await using connections = pool({ dialer: compose(tcp()) });
    const lease = await connections.acquire(server.address);
    const heard = new Promise<NodeJS.ErrnoException>((resolve) => lease.conn.once("error", resolve));
    lease.conn.write("ping");
    assert.equal((await heard).code, "ECONNRESET");
    lease.release();
  });

  test("a connection leased a hundred times accumulates no listeners", async () => {
    await using server = await goodPeer();
    await using connections = pool({ dialer: compose(tcp()) });
    const counts = new Set<number>();
    for (let round = 0; round < 100; round += 1) {
      const lease = await connections.acquire(server.address);
      counts.add(lease.conn.listenerCount("error"));
      lease.release();
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(counts.size, 1);
    assert.ok(Math.max(...counts) <= 1);
  });
});
