import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { WebSocket } from "ws";
import { wsConnection } from "../../src/clients.ts";
import { compose, tcp, tls } from "../../src/index.ts";
import { authority } from "../support/certificates.ts";
import { peer } from "../support/peers.ts";
import { clientScenarios } from "./contract.ts";
import type { FakeServer } from "./fake-server.ts";
import { webSocketEcho } from "./ws-peer.ts";

clientScenarios({
  name: "ws with wsConnection",
  answer: "hello",
  start: webSocketEcho,
  connections: (server) => (server as FakeServer).accepted,
  make({ dialer, port, ca, timeoutMs }) {
    const createConnection = wsConnection(dialer, `127.0.0.1:${port}`);
    let socket: WebSocket | undefined;
    const open = async () => {
      const opened = new WebSocket(`${ca === undefined ? "ws" : "wss"}://localhost:${port}`, {
        createConnection,
        ...(ca !== undefined && { ca, servername: "localhost" }),
        ...(timeoutMs !== undefined && { handshakeTimeout: timeoutMs }),
      });
      socket = opened;
      opened.on("error", () => {});
      await once(opened, "open");
      return opened;
    };
    return {
      async ask() {
        const connected = socket?.readyState === WebSocket.OPEN ? socket : await open();
        const lost = once(connected, "close").then(() => Promise.reject(new Error("the connection was lost")));
        const answer = once(connected, "message").then(([data]) => String(data));
        connected.send("hello");
        return Promise.race([answer, lost]);
      },
      close: () => socket?.close(),
    };
  },
});

test("a WebSocket of wss: through a dialer of TCP sends nothing unencrypted, whatever its port", async () => {
  let first: Buffer | undefined;
  await using listening = await peer((socket) => {
    socket.once("data", (chunk: Buffer) => {
      first = chunk;
      socket.destroy();
    });
  });
  const socket = new WebSocket(`wss://${listening.address}`, { createConnection: wsConnection(compose(tcp())) });
  await assert.rejects(once(socket, "open"));
  // The handshake record of TLS.
  assert.equal(first?.[0], 0x16);
});

test("wsConnection adds no second TLS over a dialer that does TLS itself", async () => {
  const ca = authority();
  await using server = await webSocketEcho({ tls: ca.issue({ name: "localhost" }) });
  const dialer = compose(tls({ ca: ca.cert, serverName: "localhost" }));
  const socket = new WebSocket(`wss://127.0.0.1:${server.port}`, { createConnection: wsConnection(dialer) });
  await once(socket, "open");
  socket.terminate();
});
