/** What observers of a dial see of a connection whose bytes a lazy socket carries. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { after, describe, test } from "node:test";
import { Registry } from "prom-client";
import {
  type ConnClosedInfo,
  compose,
  type Dialer,
  type DialTrace,
  httpProxy,
  lazySocket,
  lazySocketMode,
  tcp,
  withFailover,
} from "../../src/index.ts";
import { withPrometheus } from "../../src/prometheus.ts";
import { withFaults } from "../../src/testing.ts";
import { type Peer, peer } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";
import { scrape } from "../telemetry/exposition.ts";
import { otherDialer } from "./sockets.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

const dialers: Readonly<Record<"adopted" | "forwarded", Dialer<Socket>>> = { adopted: tcp(), forwarded: otherDialer };

interface Close {
  readonly title: string;
  readonly serve?: (socket: Socket) => void;
  readonly end: (socket: Socket, remote: Socket) => void;
}

/** How a connection may close. */
const closes: readonly Close[] = [
  { title: "the client ends", end: (socket) => socket.end("bye") },
  { title: "the client destroys", end: (socket) => socket.destroy() },
  { title: "the client destroys with an error", end: (socket) => socket.destroy(new Error("enough")) },
  { title: "the client resets", end: (socket) => socket.resetAndDestroy() },
  { title: "the peer ends", end: (_socket, remote) => remote.end("goodbye") },
  { title: "the peer resets", end: (_socket, remote) => remote.resetAndDestroy() },
  {
    title: "the client ends, and the peer answers and ends",
    end(socket, remote) {
      socket.end("question");
      remote.on("end", () => remote.end("answer"));
    },
  },
  {
    title: "the peer ends while the client still writes",
    end(socket, remote) {
      socket.write("a".repeat(1000));
      remote.end();
    },
  },
];

describe("the close of a connection that a lazy socket carries", () => {
  for (const { title, end } of closes) {
    test(`the close is reported as for a socket from the dialer when ${title}`, async () => {
      const run = async (dialer: Dialer<Socket>, isLazy: boolean) => {
        const told: ConnClosedInfo[] = [];
        const trace: DialTrace = { connClosed: (info) => told.push(info) };
        await using server = await peer((socket) => {
          socket.write("hello");
          socket.resume();
        });
        let socket: Socket;
        if (isLazy) socket = lazySocket(dialer, server.address, { trace });
        else socket = await compose(dialer)(server.address, { trace });
        socket.on("error", () => {});
        await once(
          socket.on("data", () => {}),
          "data",
        );
        end(socket, await remoteOf(server));
        await until(() => told.length > 0 && socket.closed, "the close is told");
        return told.map(({ reason, bytesRead, bytesWritten, error, target }) => {
          return [
            reason,
            bytesRead,
            bytesWritten,
            (error as Error | undefined)?.message,
            String(target) === server.address,
          ];
        });
      };
      const expected = await run(tcp(), false);
      assert.equal(expected.length, 1);
      for (const [mode, dialer] of Object.entries(dialers)) assert.deepEqual(await run(dialer, true), expected, mode);
    });
  }
});

async function remoteOf(server: Peer): Promise<Socket> {
  await until(() => server.open.size > 0, "the peer has accepted");
  return [...server.open][0] as Socket;
}

describe("the connection that observers were given", () => {
  for (const [mode, dialer] of Object.entries(dialers)) {
    test(`the connection shows the counters and addresses of its lazy socket, when ${mode}, while it is open and after the close`, async () => {
      await using server = await peer((socket) => void socket.on("data", (data) => socket.write(data)));
      let conn: Socket | undefined;
      const seen: unknown[] = [];
      const show = ({ bytesRead, bytesWritten, remotePort, localPort }: Socket) =>
        [bytesRead, bytesWritten, remotePort, localPort] as const;
      const trace: DialTrace = {
        attemptDone: (info) => {
          conn = info.conn as Socket;
        },
        connClosed: (info) => seen.push(info.conn === conn, info.bytesRead, info.bytesWritten),
      };
      const socket = lazySocket(dialer, server.address, { trace });
      socket.write("12345");
      await once(socket, "data");
      const own = show(socket);
      assert.equal(lazySocketMode(socket), mode);
      assert.deepEqual([own[0], own[1], own[2]], [5, 5, server.port]);
      assert.deepEqual(show(conn as Socket), own);
      socket.write("678");
      await once(socket, "data");
      socket.destroy();
      await once(socket, "close");
      assert.deepEqual(seen, [true, 8, 8]);
      assert.deepEqual([conn?.bytesRead, conn?.bytesWritten, conn?.destroyed], [8, 8, true]);
    });

    test(`destroying it destroys the socket with the same error, when ${mode}`, async () => {
      await using server = await peer();
      let conn: Duplex | undefined;
      const told: unknown[] = [];
      const trace: DialTrace = {
        attemptDone: (info) => {
          conn = info.conn;
        },
        connClosed: ({ error, reason }) => told.push(error, reason),
      };
      const socket = lazySocket(dialer, server.address, { trace });
      await once(socket, "connect");
      const error = Object.assign(new Error("cut"), { code: "ECONNRESET" });
      const [emitted] = await Promise.all([once(socket, "error"), conn?.destroy(error)]);
      assert.equal(emitted[0], error);
      await until(() => server.open.size === 0, "the peer has closed");
      assert.deepEqual(told, [error, "reset"]);
    });

    test(`the connection can still be written to and ended, when ${mode}`, async () => {
      let text = "";
      await using server = await peer((socket) => {
        socket.on("data", (data) => {
          text += data;
        });
      });
      let conn: Duplex | undefined;
      const trace: DialTrace = {
        dialDone: (info) => {
          conn = info.conn;
        },
      };
      const socket = lazySocket(dialer, server.address, { trace });
      socket.resume();
      await once(socket, "connect");
      conn?.write("by the ");
      conn?.end("connection");
      await once(socket, "close");
      assert.equal(text, "by the connection");
    });
  }

  test("the metrics count the bytes of an adopted socket while it is open, and its close once", async () => {
    await using server = await peer((socket) => void socket.on("data", (data) => socket.write(data)));
    const registry = new Registry();
    const dial = compose(withPrometheus({ registry, name: "lazy" }), tcp());
    const socket = lazySocket(dial, server.address);
    socket.write("0123456789");
    await once(
      socket.on("data", () => {}),
      "data",
    );
    const sum = async () => {
      const { samples } = await scrape(registry);
      const total = (name: string, label = "", is = "") =>
        samples
          .filter((each) => each.name === name && (label === "" || each.labels[label] === is))
          .reduce((before, each) => before + each.value, 0);
      return {
        open: total("dialer_connection_count"),
        received: total("dialer_connection_io_bytes_total", "network_io_direction", "receive"),
        sent: total("dialer_connection_io_bytes_total", "network_io_direction", "transmit"),
        closed: total("dialer_connection_closed_total"),
      };
    };
    assert.deepEqual(await sum(), { open: 1, received: 10, sent: 10, closed: 0 });
    socket.end("x");
    await once(socket, "close");
    assert.deepEqual(await sum(), { open: 0, received: 11, sent: 11, closed: 1 });
  });

  test("failover counts a connection as active until the lazy socket closes", async () => {
    await using server = await peer((socket) => void socket.resume());
    const failover = withFailover({ targets: [server.address] });
    const socket = lazySocket(compose(failover, tcp()), "db:1");
    await once(socket, "connect");
    assert.equal(lazySocketMode(socket), "adopted");
    assert.equal(failover.targets()[0]?.open, 1);
    socket.destroy();
    await once(socket, "close");
    assert.equal(failover.targets()[0]?.open, 0);
  });

  test("a fault that resets the connection later resets the lazy socket", async () => {
    await using server = await peer((socket) => void socket.resume());
    const dial = compose(withFaults({ script: ["reset"] }), tcp());
    const socket = lazySocket(dial, server.address);
    const [error] = await once(socket, "error").catch((thrown) => [thrown]);
    assert.equal(error.code, "ECONNRESET");
    await until(() => server.open.size === 0, "the peer has closed");
  });
});

describe("bytes that arrive before the socket takes the connection over", () => {
  /** A proxy that grants a tunnel and sends the first bytes of the server with its answer. */
  const proxyWith = (greeting: Buffer) =>
    peer((socket) => {
      socket.once("data", () => {
        socket.write(Buffer.concat([Buffer.from("HTTP/1.1 200 OK\r\n\r\n"), greeting]));
        socket.on("data", (data) => socket.write(data));
      });
    });

  for (const size of [1, 1000, 40_000]) {
    test(`${size} bytes that came with a proxy's response arrive first, at an adopted socket`, async () => {
      const greeting = Buffer.alloc(size, "g");
      await using proxy = await proxyWith(greeting);
      const socket = lazySocket(compose(httpProxy({ proxy: `http://${proxy.address}` })), "db.internal:5432");
      const order: string[] = [];
      for (const event of ["connect", "ready", "data"]) socket.once(event, () => order.push(event));
      const parts: Buffer[] = [];
      socket.on("data", (data) => parts.push(data));
      socket.write("-end");
      await until(() => Buffer.concat(parts).includes("-end"), "the echo has arrived");
      assert.deepEqual(order, ["connect", "ready", "data"]);
      assert.equal(Buffer.concat(parts).toString(), `${greeting}-end`);
      assert.equal(lazySocketMode(socket), "adopted");
      socket.destroy();
    });
  }

  test("bytes that came with a proxy's response wait in a paused socket", async () => {
    await using proxy = await proxyWith(Buffer.from("greeting"));
    const socket = lazySocket(compose(httpProxy({ proxy: `http://${proxy.address}` })), "db.internal:5432").pause();
    await once(socket, "ready");
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([socket.readableLength, socket.readableFlowing], [8, false]);
    socket.resume();
    assert.equal(String((await once(socket, "data"))[0]), "greeting");
    socket.destroy();
  });

  for (const [mode, dialer] of Object.entries(dialers)) {
    test(`bytes that a handshake put back arrive before later ones, when ${mode}`, async () => {
      await using server = await peer((socket) => void socket.write("INFO rest"));
      const socket = lazySocket(dialer, server.address, {
        async handshake(conn) {
          await once(conn, "readable");
          const info = conn.read() as Buffer;
          conn.unshift(info.subarray(5));
          return conn;
        },
      });
      const [data] = await once(socket, "data");
      assert.deepEqual([String(data), lazySocketMode(socket)], ["rest", mode]);
      socket.destroy();
    });

    test(`a server that sends and ends while the handshake runs loses nothing, when dialed as ${mode}`, async () => {
      await using server = await peer((socket) => void socket.end("all there is"));
      const socket = lazySocket(dialer, server.address, {
        async handshake(conn) {
          await new Promise((resolve) => setTimeout(resolve, 20));
          return conn;
        },
      });
      let text = "";
      socket.on("data", (data) => {
        text += data;
      });
      const order: string[] = [];
      for (const event of ["connect", "end", "close"]) socket.on(event, () => order.push(event));
      await until(() => order.includes("close"), "the socket has closed");
      assert.deepEqual([text, order], ["all there is", ["connect", "end", "close"]]);
    });
  }
});
