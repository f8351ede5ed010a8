import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, it } from "node:test";
import { compose } from "../../src/index.ts";
import { maxConnections } from "../../src/inspector/connection-limit.ts";
import { type InspectorServer, inspector } from "../../src/inspector.ts";
import { scriptedDialer } from "../../src/testing.ts";
import { until } from "../support/resources.ts";

/** Connections of clients that send `text` and neither read nor close. */
async function flood(server: InspectorServer, count: number, text: string) {
  const sockets: Socket[] = [];
  for (let index = 0; index < count; index += 1) {
    const socket = connect(server.port, "127.0.0.1").on("error", () => {});
    sockets.push(socket);
    await once(socket, "connect");
    socket.write(text);
  }
  return {
    open: () => sockets.filter((socket) => !socket.destroyed).length,
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** The status of a response that arrives within the limit of a patient user. */
async function statusOf(url: string): Promise<number> {
  const response = await fetch(url, { signal: AbortSignal.timeout(8_000), headers: { connection: "close" } });
  await response.body?.cancel();
  return response.status;
}

const half = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: ";

describe("the inspector's server", () => {
  it("the inspector's server stays reachable while 120 clients hold half a request each", async () => {
    await using server = await inspector().listen();
    using clients = await flood(server, 120, half);
    for (const path of ["", "json", "events"]) assert.equal(await statusOf(server.url + path), 200, path);
    await until(() => clients.open() <= maxConnections, "the oldest connections to be closed");
    assert.ok(clients.open() > maxConnections / 2, `${clients.open()} connections are left`);
  });

  it("the inspector's server stays reachable while 120 clients send nothing, or send requests and read nothing", async () => {
    const page = inspector({ recentFailures: 1_000 });
    const failing = compose(page.observe(), scriptedDialer([new Error("x".repeat(300))]));
    for (let index = 0; index < 1_000; index += 1) await assert.rejects(failing("db:5432"));
    await using server = await page.listen();
    using _silent = await flood(server, 120, "");
    using _deaf = await flood(server, 120, "GET /json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    for (const path of ["", "json", "events"]) assert.equal(await statusOf(server.url + path), 200, path);
  });

  it("the inspector's server keeps its live viewers while it closes slow connections", async () => {
    await using server = await inspector({ updateMs: 50 }).listen();
    using viewers = await flood(server, 8, "GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    assert.equal(await statusOf(`${server.url}json`), 200);
    using clients = await flood(server, 200, half);
    await until(() => clients.open() <= maxConnections, "the oldest connections to be closed");
    assert.equal(viewers.open(), 8);
    assert.equal(await statusOf(`${server.url}events`), 503, "the maximum number of viewers");
  });

  it("a connection that sends no request to the inspector's server does not keep the process alive", async () => {
    const script = `
      const { inspector } = await import("dialtrace/inspector");
      const { connect } = await import("node:net");
      const { port } = await inspector().listen();
      const socket = connect(port, "127.0.0.1", () => { socket.unref(); console.log("connected"); });`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", script], { stdio: "pipe" });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    const timer = setTimeout(() => child.kill(), 20_000);
    const [code] = await once(child, "close");
    clearTimeout(timer);
    assert.deepEqual([code, output.trim()], [0, "connected"]);
  });
});
