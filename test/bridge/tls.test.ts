import assert from "node:assert/strict";
import { test } from "node:test";
import { type BridgeErrorInfo, bridge } from "../../src/bridge.ts";
import { tls } from "../../src/index.ts";
import { authority } from "../support/certificates.ts";
import { until } from "../support/resources.ts";
import { tlsPeer } from "../support/tls-peers.ts";
import { rawClient } from "./raw-client.ts";

const ca = authority();
const certificate = ca.issue({ name: "db.test", alternatives: ["IP:127.0.0.1"] });

test("a plain client reaches a TLS server through a bridge, which passes the end of each side", async () => {
  await using echo = await tlsPeer({ ...certificate, allowHalfOpen: true }, (socket) => {
    socket.allowHalfOpen = true;
    socket.pipe(socket);
  });
  const dialer = tls({ ca: ca.cert });
  await using server = await bridge({ dialer, target: `127.0.0.1:${echo.port}` }).listen();
  const client = await rawClient(server);
  const request = "x".repeat(300_000);
  client.socket.end(request);
  assert.equal(await client.closed, undefined);
  assert.equal(client.received.length, request.length);
  await until(() => server.connections === 0, "no connection is left");
});

test("no connection of a bridge is left when its TLS server breaks it", async () => {
  await using breaking = await tlsPeer(certificate, (socket) => socket.once("data", () => socket.destroy()));
  const dialer = tls({ ca: ca.cert });
  await using server = await bridge({ dialer, target: `127.0.0.1:${breaking.port}`, halfOpenTimeoutMs: 100 }).listen();
  const client = await rawClient(server);
  client.socket.write("x");
  await until(() => client.ended || client.socket.closed, "the client learns of it");
  client.socket.destroy();
  await until(() => server.connections === 0, "no connection is left");
});

test("the client of a bridge whose dialer does not trust the server is reset, and the reason is reported", async () => {
  await using stranger = await tlsPeer(authority().issue({ name: "db.test", alternatives: ["IP:127.0.0.1"] }));
  const reported: BridgeErrorInfo[] = [];
  await using server = await bridge({
    dialer: tls({ ca: ca.cert }),
    target: `127.0.0.1:${stranger.port}`,
    onError: (_error, info) => reported.push(info),
  }).listen();
  const client = await rawClient(server);
  assert.equal(await client.closed, "ECONNRESET");
  assert.deepEqual(
    reported.map(({ reason }) => reason),
    ["tls_cert_untrusted"],
  );
});
