import assert from "node:assert/strict";
import { once } from "node:events";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { describe, it } from "node:test";
import { closeReasons } from "../../src/core/event-values.ts";
import { setCloseReason } from "../../src/engine/tracker.ts";
import { tcp, withRetry, withTimeout } from "../../src/index.ts";
import { goodPeer, peer } from "../support/peers.ts";
import { until } from "../support/resources.ts";
import { type Scrape, scrape } from "./exposition.ts";
import { assertInvariant, me, observed } from "./metered.ts";

describe("connections", () => {
  async function closedBy(serve: (socket: Socket) => void, close: (conn: Socket) => void): Promise<Scrape> {
    await using server = await peer(serve);
    const { registry, dial } = observed(tcp());
    const conn = await dial(server.address);
    conn.on("error", () => {});
    conn.resume();
    const closed = new Promise((resolve) => conn.on("close", resolve));
    close(conn);
    await closed;
    const scraped = await scrape(registry);
    assert.equal(scraped.value("dialer_connection_count", { ...me, dialer_connection_state: "used" }), 0);
    assert.equal(scraped.value("dialer_connection_duration_seconds_count", me), 1);
    return scraped;
  }
  const nothing = () => {};
  const fail = (code: string) => (conn: Socket) => void conn.destroy(Object.assign(new Error(code), { code }));
  const stated = (reason: (typeof closeReasons)[number]) => (conn: Socket) => {
    setCloseReason(conn, reason);
    conn.destroy();
  };
  const cases: readonly (readonly [string, (typeof closeReasons)[number], (s: Socket) => void, (c: Socket) => void])[] =
    [
      ["destroy() here", "local", nothing, (conn) => conn.destroy()],
      ["our end(), answered by the peer", "local", (socket) => socket.resume(), (conn) => conn.end()],
      ["the peer's FIN", "remote", (socket) => socket.end(), nothing],
      [
        "the peer's reset",
        "reset",
        (socket) => void socket.once("data", () => socket.resetAndDestroy()),
        (conn) => void conn.write("x"),
      ],
      ["the system's timeout", "timeout", nothing, fail("ETIMEDOUT")],
      ["an error", "error", nothing, fail("ERR_STREAM_WHATEVER")],
      ...(["idle", "max_lifetime", "stale", "drain", "unhealthy"] as const).map(
        (reason) => [`its owner with the reason ${reason}`, reason, nothing, stated(reason)] as const,
      ),
    ];

  for (const [how, reason, serve, close] of cases) {
    it(`withPrometheus counts a connection closed by ${how} once, as ${reason}`, async () => {
      const scraped = await closedBy(serve, close);
      assert.deepEqual(scraped.nonZero("dialer_connection_closed_total"), [`dialer_close_reason=${reason} → 1`]);
    });
  }

  it("every close reason has a test", () => {
    assert.deepEqual([...new Set(cases.map(([, reason]) => reason))].sort(), [...closeReasons].sort());
  });

  it("withPrometheus counts a close once, even if a client removes all listeners", async () => {
    const scraped = await closedBy(nothing, (conn) => {
      const [close] = conn.listeners("close").slice(-1);
      conn.removeAllListeners();
      conn.on("close", close as () => void);
      conn.destroy();
      conn.destroy(new Error("again"));
      conn.end();
    });
    assert.deepEqual(scraped.nonZero("dialer_connection_closed_total"), ["dialer_close_reason=local → 1"]);
  });

  it("withPrometheus reads a connection's bytes at each scrape and at its close, and counts none twice", async () => {
    await using server = await peer((socket) => {
      socket.on("data", (chunk) => socket.write(Buffer.alloc(chunk.length * 2)));
    });
    const { registry, dial } = observed(tcp());
    const conn = await dial(server.address);
    let received = 0;
    conn.on("data", (chunk) => {
      received += chunk.length;
    });
    const bytes = async () => {
      const { value } = await scrape(registry);
      return ["receive", "transmit"].map((direction) =>
        value("dialer_connection_io_bytes_total", { ...me, network_io_direction: direction }),
      );
    };
    assert.deepEqual(await bytes(), [0, 0]);
    conn.write(Buffer.alloc(1000));
    await until(() => received === 2000, "the first echo");
    assert.deepEqual(await bytes(), [2000, 1000]);
    assert.deepEqual(await bytes(), [2000, 1000], "a second scrape adds nothing");
    conn.write(Buffer.alloc(50));
    await until(() => received === 2100, "the second echo");
    conn.destroy();
    assert.deepEqual(await bytes(), [2100, 1050], "bytes since the last scrape");
    assert.deepEqual(await bytes(), [2100, 1050]);
  });

  it("withPrometheus adds up the bytes of open and closed connections", async () => {
    await using server = await peer((socket) => socket.end("0123456789"));
    const { registry, dial } = observed(tcp());
    const conns = await Promise.all([1, 2, 3].map(() => dial(server.address)));
    for (const conn of conns) {
      conn.resume();
      await once(conn, "close");
    }
    const { value } = await scrape(registry);
    assert.equal(value("dialer_connection_io_bytes_total", { ...me, network_io_direction: "receive" }), 30);
    assert.equal(value("dialer_connection_closed_total", { ...me, dialer_close_reason: "remote" }), 3);
  });

  it("withPrometheus adds no data listener to a connection and wraps none of its data methods", async () => {
    await using server = await goodPeer();
    const { dial } = observed(withTimeout({ timeoutMs: 5000 }), withRetry(), tcp());
    const conn = await dial(server.address);
    const plain = await tcp()(server.address);
    for (const event of ["data", "readable", "end", "drain", "finish", "close", "error", "connect", "timeout"]) {
      assert.equal(conn.listenerCount(event), plain.listenerCount(event), event);
    }
    const own = (socket: Socket) =>
      Object.getOwnPropertyNames(socket).filter((name) => typeof socket[name as never] === "function");
    assert.deepEqual(
      own(conn).filter((name) => !own(plain).includes(name)),
      ["_final", "_destroy"],
      "only what ends the stream is wrapped",
    );
    for (const name of ["write", "_write", "_writev", "push", "read", "_read", "emit", "on", "pipe"] as const) {
      assert.equal(conn[name as never], (Socket.prototype as Duplex)[name as never], name);
    }
    assert.equal(conn.readableFlowing, null, "the stream is neither paused nor resumed");
    conn.destroy();
    plain.destroy();
  });

  it("withPrometheus never counts a connection that arrives after a cancel as open", async () => {
    await using server = await goodPeer();
    const { registry, dial } = observed(tcp());
    for (let count = 0; count < 30; count += 1) {
      const controller = new AbortController();
      const dialed = dial(server.address, { signal: controller.signal });
      setTimeout(() => controller.abort(), count % 3);
      await dialed.then(
        (conn) => conn.destroy(),
        () => {},
      );
    }
    const scraped = await scrape(registry);
    assert.equal(scraped.value("dialer_connection_count", { ...me, dialer_connection_state: "used" }), 0);
    assertInvariant(scraped);
  });
});
