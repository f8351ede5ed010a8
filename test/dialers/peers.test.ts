import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { compose, type Dialer, httpProxy, socksProxy, tls, withRetry, withTimeout } from "../../src/index.ts";
import { connect } from "../../src/nats.ts";
import { authority } from "../support/certificates.ts";
import { natsServer } from "../support/nats-server.ts";
import { openSockets, until } from "../support/resources.ts";
import { type RunningServer, startMicrosocks, startRedis, startTinyproxy } from "../support/servers.ts";

const auth = { username: "dialtrace", password: "secret" };
let tinyproxy: RunningServer;
let microsocks: RunningServer;

before(async () => {
  [tinyproxy, microsocks] = await Promise.all([startTinyproxy(auth), startMicrosocks(auth)]);
});
after(async () => {
  await until(() => openSockets() === 0, "no test may leave a socket open");
  await Promise.all([tinyproxy.stop(), microsocks.stop()]);
});

const proxies: readonly (readonly [string, () => Dialer])[] = [
  ["tinyproxy", () => httpProxy({ proxy: `http://${tinyproxy.address}`, auth })],
  ["microsocks", () => socksProxy({ proxy: `socks5h://${microsocks.address}`, auth })],
];

for (const [name, tunnel] of proxies) {
  describe(`through ${name}`, () => {
    test("NATS connects through the proxy and reconnects after a server restart", async () => {
      await using server = await natsServer();
      await server.start();
      const dialer = compose(withTimeout({ timeoutMs: 10_000 }), withRetry({ maxAttempts: 2 }), tunnel());
      const reconnects: string[] = [];
      const nc = await connect({
        servers: `localhost:${server.port}`,
        dialer,
        reconnectTimeWait: 20,
        maxReconnectAttempts: -1,
        trace: { reconnect: ({ server }) => reconnects.push(server) },
      });
      nc.subscribe("echo", { callback: (_, msg) => void msg.respond(msg.data) });
      // The default timeout of a request is one second.
      const request = async (text: string) => (await nc.request("echo", text, { timeout: 60_000 })).string();
      assert.equal(await request("hello"), "hello");
      await server.stop();
      await server.start();
      await until(() => reconnects.length === 1, "the client reconnects");
      assert.equal(await request("again"), "again");
      await nc.close();
    });

    test("Redis answers through the proxy", async () => {
      await using redis = await startRedis();
      const conn = await compose(tunnel())(redis.address);
      conn.write("PING\r\n");
      assert.equal(String((await once(conn, "data"))[0]), "+PONG\r\n");
      conn.destroy();
    });

    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      test(`an HTTPS server answers through the proxy with ${version}`, async () => {
        const ca = authority();
        const credentials = { ...ca.issue({ name: "localhost" }), maxVersion: version };
        const server = createHttpsServer(credentials, ({ url, socket }, answer) => {
          names.push((socket as TLSSocket).servername);
          answer.end(url);
        });
        const names: unknown[] = [];
        server.listen(0, "127.0.0.1");
        await once(server, "listening");
        const { port } = server.address() as AddressInfo;
        const dial = compose(tls({ ca: ca.cert, alpnProtocols: ["http/1.1"] }, tunnel()));
        const resumed: boolean[] = [];
        for (const path of ["/a", "/b"]) {
          const conn = await dial(`https://localhost:${port}`);
          assert.equal(await get(conn, path), path);
          assert.equal(conn.alpnProtocol, "http/1.1");
          resumed.push(conn.isSessionReused());
          conn.destroy();
        }
        assert.equal(names[0], "localhost");
        assert.deepEqual(resumed, [false, true]);
        server.close();
      });
    }
  });
}

async function get(conn: Socket, path: string): Promise<string> {
  const [answer] = await once(request({ createConnection: () => conn, path }).end(), "response");
  let body = "";
  for await (const chunk of answer) body += chunk;
  return body;
}
