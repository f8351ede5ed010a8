import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { tcp, tls } from "../../src/index.ts";
import { cutAfter, reset, resetSoon } from "../../src/testing/break-connection.ts";
import { authority } from "../support/certificates.ts";
import { connection } from "../support/contract.ts";
import { peer } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";
import { tlsPeer } from "../support/tls-peers.ts";

/** A connection and the events that both ends see. */
async function pair(serve: (socket: Socket) => void = () => {}) {
  const far = { bytes: "", error: undefined as NodeJS.ErrnoException | undefined, closed: false };
  const server = await peer((socket) => {
    socket.setEncoding("latin1");
    socket.on("data", (data) => {
      far.bytes += data;
    });
    socket.on("error", (error) => {
      far.error = error;
    });
    socket.on("close", () => {
      far.closed = true;
    });
    serve(socket);
  });
  const socket = await tcp()(server.address);
  // The peer does not see a reset that arrives before it has accepted the connection.
  await until(() => server.accepted === 1, "the peer to accept");
  const near = { bytes: "", error: undefined as NodeJS.ErrnoException | undefined };
  socket.on("error", (error) => {
    near.error = error;
  });
  const listen = () =>
    socket.setEncoding("latin1").on("data", (data) => {
      near.bytes += data;
    });
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  return { server, socket, near, far, listen, closed };
}

test("reset fails both ends of a connection with ECONNRESET", async () => {
  const { server, socket, near, far, closed } = await pair();
  await using _ = server;
  reset(socket);
  await closed;
  await until(() => far.closed, "the peer to see the close");
  assert.deepEqual([near.error?.code, near.error?.syscall], ["ECONNRESET", "read"]);
  assert.equal(far.error?.code, "ECONNRESET");
  assert.equal(socket.destroyed, true);
  assert.equal(openSockets(), 0);
});

test("resetSoon leaves time to add listeners", async () => {
  const conn = connection();
  resetSoon(conn);
  await Promise.resolve();
  assert.equal(conn.destroyed, false);
  const [error] = await once(conn, "error");
  assert.equal(error.code, "ECONNRESET");
});

test("resetSoon ignores a connection that is already destroyed", async () => {
  const conn = connection();
  conn.on("error", () => assert.fail("it was closed without an error"));
  resetSoon(conn);
  conn.destroy();
  await new Promise(setImmediate);
});

for (const chunks of [["0123456789"], ["012", "3456", "789"], ["0123", "456789"], ["01234", "56789"]]) {
  test(`cutAfter delivers the first five bytes of ${chunks.join("+")} from the peer, then a reset`, async () => {
    const { server, socket, near, far, listen, closed } = await pair(async (far) => {
      far.setNoDelay(true);
      for (const chunk of chunks) {
        far.write(chunk);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    });
    await using _ = server;
    cutAfter(socket, 5);
    listen();
    await closed;
    assert.equal(near.bytes, "01234");
    assert.deepEqual([near.error?.code, near.error?.syscall], ["ECONNRESET", "read"]);
    await until(() => far.closed, "the peer to see the close");
  });

  test(`cutAfter sends the first five bytes of ${chunks.join("+")}, then a reset`, async () => {
    const { server, socket, near, far, closed } = await pair();
    await using _ = server;
    cutAfter(socket, 5);
    for (const chunk of chunks) socket.write(chunk);
    await closed;
    await until(() => far.closed, "the peer to see the close");
    assert.equal(far.bytes, "01234");
    assert.deepEqual([near.error?.code, near.error?.syscall], ["ECONNRESET", "write"]);
    assert.equal(far.error?.code, "ECONNRESET");
  });
}

test("cutAfter fails the write that is cut and all later writes", async () => {
  const { server, socket } = await pair();
  await using _ = server;
  cutAfter(socket, 5);
  const told: (string | undefined)[] = [];
  socket.cork();
  for (const chunk of ["012", "345", "678"]) {
    socket.write(chunk, (error) => told.push((error as NodeJS.ErrnoException | undefined)?.code));
  }
  socket.uncork();
  await until(() => told.length === 3, "every write to fail");
  assert.deepEqual(told.slice(0, 2), [undefined, "ECONNRESET"]);
  assert.notEqual(told[2], undefined);
});

test("cutAfter passes fewer bytes in any encoding, and a normal close", async () => {
  const { server, socket, near, far, listen, closed } = await pair((far) => far.once("data", () => far.end("é1")));
  await using _ = server;
  cutAfter(socket, 6);
  listen();
  socket.cork();
  socket.write("é", "latin1");
  socket.write("c3a9", "hex");
  socket.uncork();
  await until(() => far.bytes.length === 3, "the written bytes to arrive");
  await closed;
  assert.equal(Buffer.from(far.bytes, "latin1").toString("hex"), "e9c3a9");
  assert.equal(Buffer.from(near.bytes, "latin1").toString(), "é1");
  assert.equal(near.error, undefined);
});

test("cutAfter delivers the bytes before the cut to a paused reader", async () => {
  const { server, socket, near, closed } = await pair((far) => far.write("0123456789"));
  await using _ = server;
  cutAfter(socket, 5);
  socket.once("readable", () => {
    near.bytes = String(socket.read());
  });
  await closed;
  assert.equal(near.bytes, "01234");
});

test("cutAfter cuts a stream that is not a socket, without a TCP reset", async () => {
  const stream = new PassThrough();
  let read = "";
  cutAfter(stream, 4);
  stream.on("data", (data) => {
    read += data;
  });
  stream.write("abcdef");
  const [error] = await once(stream, "error");
  assert.equal(error.code, "ECONNRESET");
  assert.equal(read, "abcd");
});

test("cutAfter counts the decrypted bytes of a TLS connection", async () => {
  await using server = await tlsPeer(
    authority().issue({ name: "localhost" }),
    (socket) => void socket.write("0123456789"),
  );
  const socket = await tls({ rejectUnauthorized: false })(`127.0.0.1:${server.port}`);
  cutAfter(socket, 5);
  let read = "";
  socket.on("data", (data) => {
    read += data;
  });
  const [error] = await once(socket, "error");
  assert.deepEqual([read, error.code], ["01234", "ECONNRESET"]);
  await until(() => openSockets() <= 1, "the connection to be closed");
});
