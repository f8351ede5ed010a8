import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { pool } from "../../src/index.ts";
import { goodPeer } from "../support/peers.ts";

test("a pool rejects the waiter when it cannot add the dialed connection", { timeout: 60_000 }, async () => {
  const conn = Object.freeze(new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() }));
  const connections = pool({ dialer: async () => conn as Duplex as never });
  await assert.rejects(connections.acquire("db:1"), TypeError);
  assert.equal(connections.stats().dialing, 0);
  await connections.close();
});

test("a pool does not lease one connection to two callers when its dialer resolves with it twice", async () => {
  await using server = await goodPeer();
  const { port } = server;
  const socket = await new Promise<Socket>((resolve) => {
    const made = connect(port, "127.0.0.1", () => resolve(made));
  });
  const connections = pool({ dialer: async () => socket });
  const first = await connections.acquire("db:1");
  for (const target of ["db:1", "other:1"]) {
    await assert.rejects(connections.acquire(target), { name: "DialError", reason: "config" });
  }
  assert.equal(socket.destroyed, false);
  first.release();
  await connections.close();
  assert.equal(socket.destroyed, true);
});
