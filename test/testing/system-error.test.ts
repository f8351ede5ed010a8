import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type NetConnectOpts } from "node:net";
import { test } from "node:test";
import { classify, parseTarget } from "../../src/index.ts";
import { connectionReset, connectRefused } from "../../src/testing/system-error.ts";
import { freePort, peer } from "../support/peers.ts";

/** Name, message and own properties of an error, in order. */
const said = (error: Error) => ({
  message: error.message,
  name: error.name,
  own: Object.entries(error),
});

async function realError(options: NetConnectOpts, hello = ""): Promise<Error> {
  const socket = connect(options);
  socket.write(hello);
  const [error] = await once(socket, "error");
  return error;
}

test("connectRefused has every property of the system's error", async () => {
  const port = await freePort();
  const real = await realError({ host: "127.0.0.1", port });
  const own = connectRefused(parseTarget(`127.0.0.1:${port}`));
  assert.deepEqual(said(own), said(real));
  assert.equal(classify(own), "refused");
});

test("connectRefused writes an IPv6 address without brackets, like the system", () => {
  const { message, address } = connectRefused(parseTarget("[::1]:4222")) as Error & { address: string };
  assert.deepEqual([message, address], ["connect ECONNREFUSED ::1:4222", "::1"]);
});

test("connectRefused names the path of a unix socket", async () => {
  const path = `/tmp/dialtrace-unserved-${process.pid}.sock`;
  const { code, message, address, port } = connectRefused(parseTarget({ path })) as never;
  assert.deepEqual([code, message, address, port], ["ECONNREFUSED", `connect ECONNREFUSED ${path}`, path, undefined]);
});

test("connectionReset has every property of the system's error", async () => {
  await using server = await peer((socket) => socket.once("data", () => socket.resetAndDestroy()));
  const real = await realError({ host: "127.0.0.1", port: server.port }, "hello");
  assert.deepEqual(said(connectionReset("read")), said(real));
  assert.equal(classify(connectionReset("read")), "reset");
  assert.equal(classify(connectionReset("write")), "reset");
});
