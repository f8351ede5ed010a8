import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { compose, tcp } from "../../src/index.ts";
import { metricsServer } from "../../src/telemetry/metrics-server.ts";
import { goodPeer } from "../support/peers.ts";

test("the metrics server serves the dials under each name, and close ends it with its open connections", async () => {
  await using peer = await goodPeer();
  const server = await metricsServer("127.0.0.1", 0);
  for (const name of ["a", "b"]) {
    const conn = await compose(server.observe(name), tcp())(peer.address);
    conn.destroy();
  }
  const response = await fetch(`${server.url}?x=1`);
  assert.match(response.headers.get("content-type") ?? "", /^text\/plain/);
  const text = await response.text();
  for (const name of ["a", "b"]) {
    assert.match(text, new RegExp(`^dialer_dial_duration_seconds_count\\{.*dialer_name="${name}".*\\} 1$`, "m"));
  }
  const idle = connect(Number(new URL(server.url).port), "127.0.0.1");
  await new Promise((resolve) => idle.once("connect", resolve));
  const closed = new Promise((resolve) => idle.once("close", resolve).on("error", () => {}));
  await server.close();
  await closed;
  await assert.rejects(fetch(server.url));
});

test("the metrics server answers other paths and methods with 404 and 405", async () => {
  const server = await metricsServer("::1", 0);
  assert.match(server.url, /^http:\/\/\[::1\]:\d+\/metrics$/);
  assert.equal((await fetch(server.url.replace("/metrics", "/"))).status, 404);
  assert.equal((await fetch(server.url, { method: "POST" })).status, 405);
  assert.equal((await fetch(server.url, { method: "HEAD" })).status, 200);
  await server.close();
});

test("a port that is taken rejects with the error of the server", async () => {
  await using peer = await goodPeer();
  await assert.rejects(metricsServer("127.0.0.1", peer.port), { code: "EADDRINUSE" });
});
