import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { after, describe, test } from "node:test";
import { connect as tlsConnect } from "node:tls";
import { setCloseReason } from "../../src/engine/tracker.ts";
import { type ConnClosedInfo, compose, type Dialer, type DialOptions, tcp } from "../../src/index.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";
import { selfSigned } from "../core/certificate.ts";
import { turns } from "../support/contract.ts";
import { type Peer, peer } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";
import { tlsPeer } from "../support/tls-peers.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

/** Dials `server` and collects its connClosed events. */
async function tracked(server: Peer, options: DialOptions<Socket> = {}, base: Dialer<Socket> = tcp()) {
  const closed: ConnClosedInfo[] = [];
  const conn = await compose(base)(server.address, {
    trace: { connClosed: (info) => closed.push(info) },
    ...options,
  });
  conn.on("error", () => {});
  await until(() => server.accepted > 0, "the server has accepted");
  return { conn, closed, remote: () => [...server.open][0] as Socket };
}

async function gone(conn: Duplex): Promise<void> {
  if (!conn.closed) await new Promise((resolve) => conn.once("close", resolve));
  await turns();
}

/** What clients such as NATS do with a socket. */
function takeOver(conn: Socket, onData: (data: Buffer) => void = () => {}): void {
  conn.removeAllListeners();
  conn.on("data", onData);
  conn.on("error", () => {});
}

type Tracked = Awaited<ReturnType<typeof tracked>>;
const endings: readonly (readonly [string, string, (tracked: Tracked) => unknown])[] = [
  ["our destroy()", "local", ({ conn }) => conn.destroy()],
  ["our end(), answered by the peer's", "local", ({ conn }) => conn.resume().end()],
  ["our end() with data", "local", ({ conn }) => conn.resume().end("bye")],
  ["our destroySoon()", "local", ({ conn }) => conn.destroySoon()],
  ["our resetAndDestroy()", "local", ({ conn }) => conn.resetAndDestroy()],
  ["our destroy() twice, and an end()", "local", ({ conn }) => conn.destroy().destroy(new Error("again")).end()],
  ["the peer's end()", "remote", ({ conn, remote }) => [conn.resume(), remote().end()]],
  ["the peer's end() with data", "remote", ({ conn, remote }) => [conn.resume(), remote().end("bye")]],
  ["the peer's reset", "reset", ({ conn, remote }) => [conn.resume(), remote().resetAndDestroy()]],
  ["destroy() with an error", "error", ({ conn }) => conn.destroy(new Error("I had enough"))],
  [
    "destroy() with a timeout",
    "timeout",
    ({ conn }) => conn.destroy(Object.assign(new Error("no answer"), { name: "TimeoutError" })),
  ],
  ["destroy() with an abort", "error", ({ conn }) => conn.destroy(AbortSignal.abort().reason)],
  [
    "our destroy() after setCloseReason with idle",
    "idle",
    ({ conn }) => {
      setCloseReason(conn, "idle");
      conn.destroy();
    },
  ],
  [
    "our destroy() after all listeners were removed",
    "local",
    ({ conn }) => {
      conn.removeAllListeners();
      conn.destroy();
    },
  ],
  [
    "the peer's end() to a client that removed all listeners and destroys on 'end'",
    "remote",
    ({ conn, remote }) => {
      takeOver(conn);
      conn.on("end", () => conn.destroy());
      remote().end();
    },
  ],
  [
    "the peer's end() to a client that removed all listeners and ends on 'end'",
    "remote",
    ({ conn, remote }) => {
      takeOver(conn);
      conn.on("end", () => conn.end());
      remote().end();
    },
  ],
  [
    "the peer's reset to a client that removed all listeners",
    "reset",
    ({ conn, remote }) => {
      takeOver(conn);
      remote().resetAndDestroy();
    },
  ],
  [
    "our end() after the peer's, half open",
    "remote",
    ({ conn, remote }) => {
      conn.allowHalfOpen = true;
      conn.on("end", () => setImmediate(() => conn.end("last words")));
      conn.resume();
      remote().end();
    },
  ],
  [
    "the peer's end() after ours, half open",
    "local",
    ({ conn, remote }) => {
      conn.allowHalfOpen = true;
      remote().allowHalfOpen = true;
      remote()
        .resume()
        .on("end", () => setImmediate(() => remote().end("last words")));
      conn.resume().end();
    },
  ],
];

describe("connClosed of a TCP connection", () => {
  for (const [what, reason, close] of endings) {
    test(`connClosed is emitted once, with reason ${reason}, after ${what}`, async () => {
      await using server = await peer((socket) => socket.resume());
      const made = await tracked(server);
      close(made);
      await gone(made.conn);
      assert.deepEqual(
        made.closed.map((info) => info.reason),
        [reason],
      );
      assert.equal(made.closed[0]?.conn, made.conn);
      assert.equal(String(made.closed[0]?.target), server.address);
    });
  }

  test("connClosed is emitted once for a socket that its owner reconnects", async () => {
    await using server = await peer((socket) => socket.resume());
    const { conn, closed } = await tracked(server);
    conn.destroy();
    await gone(conn);
    conn.connect(server.port, "127.0.0.1");
    await once(conn, "connect");
    conn.destroy();
    await gone(conn);
    assert.equal(closed.length, 1);
  });
});

test("connClosed has the error that destroyed the connection, or no error field", async () => {
  await using server = await peer((socket) => socket.resume());
  const error = new Error("I had enough");
  const one = await tracked(server);
  one.conn.destroy(error);
  const two = await tracked(server);
  two.conn.destroy();
  assert.equal(one.closed[0]?.error, error);
  assert.equal("error" in (two.closed[0] as object), false);
});

test("a tracked stream still emits 'close' and errors and flushes pending writes", async () => {
  const received: Buffer[] = [];
  await using server = await peer((socket) => socket.on("data", (data) => received.push(data)));
  const { conn } = await tracked(server);
  const finished = once(conn, "finish");
  conn.end(Buffer.alloc(200_000, 1));
  conn.resume();
  await finished;
  await gone(conn);
  assert.equal(Buffer.concat(received).length, 200_000);
  const other = await tracked(server);
  const errors: unknown[] = [];
  other.conn.on("error", (error) => errors.push(error));
  const error = new Error("no");
  other.conn.destroy(error);
  await gone(other.conn);
  assert.deepEqual(errors, [error]);
});

test("connClosed has the byte counts and the lifetime of the connection", async () => {
  const clock = fakeClock();
  await using server = await peer((socket) => {
    socket.write("INFO 1234\r\n");
    socket.resume();
  });
  const { conn, closed } = await tracked(server, { clock });
  const [greeting] = await once(conn, "data");
  assert.equal(String(greeting), "INFO 1234\r\n");
  conn.write("PING\r\n");
  await clock.advance(1234);
  conn.end("bye");
  await gone(conn);
  const { bytesRead, bytesWritten, durationMs } = closed[0] as ConnClosedInfo;
  assert.deepEqual({ bytesRead, bytesWritten, durationMs }, { bytesRead: 11, bytesWritten: 9, durationMs: 1234 });
});

test("connClosed reports 0 bytes for a connection without byte counters", async () => {
  const closed: ConnClosedInfo[] = [];
  const conn = await compose(scriptedDialer())("h:1", { trace: { connClosed: (info) => closed.push(info) } });
  conn.destroy();
  assert.deepEqual([closed[0]?.bytesRead, closed[0]?.bytesWritten, closed[0]?.reason], [0, 0, "local"]);
});

test("a connection is not modified if no hook handles connClosed", async () => {
  await using server = await peer((socket) => socket.resume());
  const conn = await compose(tcp())(server.address, { trace: { attemptDone() {} } });
  assert.equal(Object.hasOwn(conn, "_destroy"), false);
  assert.equal(Object.hasOwn(conn, "_final"), false);
  conn.destroy();
});

describe("connClosed of a TLS connection", () => {
  const certificate = selfSigned("h.test");
  const upgrade = async (socket: Socket): Promise<Socket> => {
    const secured = tlsConnect({ socket, ca: certificate.cert, servername: "h.test" });
    await once(secured, "secureConnect");
    return secured;
  };
  const ways: readonly (readonly [string, string, (conn: Socket, remote: () => Socket) => unknown])[] = [
    ["our destroy()", "local", (conn) => conn.destroy()],
    ["our end()", "local", (conn) => conn.resume().end()],
    ["the peer's end()", "remote", (conn, remote) => [conn.resume(), remote().end()]],
    ["an error", "error", (conn) => conn.destroy(new Error("enough"))],
    ["removed listeners and our destroy()", "local", (conn) => conn.removeAllListeners().destroy()],
    [
      "the peer's end() to a client that removed all listeners",
      "remote",
      (conn, remote) => {
        takeOver(conn);
        conn.on("end", () => conn.destroy());
        remote().end();
      },
    ],
  ];
  for (const [what, reason, close] of ways) {
    test(`connClosed of a TLS upgrade is emitted once, with reason ${reason}, after ${what}`, async () => {
      await using server = await tlsPeer(certificate);
      const closed: ConnClosedInfo[] = [];
      const conn = await compose(tcp())(server.address, {
        trace: { connClosed: (info) => closed.push(info) },
        handshake: upgrade,
      });
      conn.on("error", () => {});
      await until(() => server.secured.length > 0, "the server is secured");
      close(conn, () => server.secured[0] as Socket);
      await gone(conn);
      assert.deepEqual(
        closed.map((info) => [info.reason, info.conn === conn]),
        [[reason, true]],
      );
      await until(() => server.open.size === 0, "the server sees it closed");
    });
  }

  test("byte counts of a TLS connection exclude the overhead of TLS", async () => {
    await using server = await tlsPeer(certificate, (socket) => void socket.write("a greeting"));
    const closed: ConnClosedInfo[] = [];
    const conn = await compose(tcp())(server.address, {
      trace: { connClosed: (info) => closed.push(info) },
      handshake: upgrade,
    });
    await once(conn, "data");
    const written = new Promise((resolve) => conn.write("hello", resolve));
    await written;
    conn.destroy();
    assert.deepEqual([closed[0]?.bytesRead, closed[0]?.bytesWritten], [10, 5]);
    await gone(conn);
  });

  test("connClosed is emitted once for a socket that its owner upgrades to TLS after the dial", async () => {
    await using server = await tlsPeer(certificate);
    const closed: ConnClosedInfo[] = [];
    const conn = await compose(tcp())(server.address, { trace: { connClosed: (info) => closed.push(info) } });
    const secured = await upgrade(conn);
    assert.equal(closed.length, 0);
    secured.destroy();
    await gone(conn);
    assert.deepEqual(
      closed.map((info) => [info.reason, info.conn === conn]),
      [["local", true]],
    );
  });

  test("a failed TLS upgrade leaves no socket open and emits no connClosed", async () => {
    await using server = await tlsPeer(certificate);
    const closed: ConnClosedInfo[] = [];
    const dialing = compose(tcp())(server.address, {
      trace: { connClosed: (info) => closed.push(info) },
      async handshake(socket) {
        const secured = tlsConnect({ socket, servername: "h.test" });
        await once(secured, "secureConnect");
        return secured;
      },
    });
    await assert.rejects(dialing, { reason: "tls_cert_untrusted", code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
    await turns();
    assert.deepEqual(closed, []);
    await until(() => server.open.size === 0, "the server sees it closed");
  });
});

test("connClosed is emitted for a unix socket", async () => {
  const path = join(tmpdir(), `dialtrace-tracker-${process.pid}.sock`);
  const server = createServer((socket) => socket.resume());
  server.listen(path);
  await once(server, "listening");
  const closed: ConnClosedInfo[] = [];
  const conn = await compose(tcp())({ path }, { trace: { connClosed: (info) => closed.push(info) } });
  conn.end("hello");
  conn.resume();
  await gone(conn);
  assert.deepEqual(
    closed.map(({ reason, bytesWritten, target }) => ({ reason, bytesWritten, target: String(target) })),
    [{ reason: "local", bytesWritten: 5, target: `unix:${path}` }],
  );
  server.close();
});

test("connClosed is emitted for half-open sockets of a user's base dialer", async () => {
  await using server = await peer((socket) => socket.resume());
  const halfOpen: Dialer<Socket> = async () => {
    const socket = connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
    await once(socket, "connect");
    return socket;
  };
  const { conn, closed, remote } = await tracked(server, {}, halfOpen);
  conn.resume();
  const ended = once(conn, "end");
  remote().end();
  await ended;
  assert.deepEqual(closed, []);
  conn.end();
  await gone(conn);
  assert.deepEqual(
    closed.map(({ reason }) => reason),
    ["remote"],
  );
});
