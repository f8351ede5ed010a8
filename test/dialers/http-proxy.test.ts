import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect as connectSocket, type Socket } from "node:net";
import { after, describe, test } from "node:test";
import { inspect } from "node:util";
import { Registry } from "prom-client";
import {
  compose,
  DialError,
  type DialTrace,
  type HttpProxyOptions,
  httpProxy,
  type ProxyDoneInfo,
  type Reason,
  tls,
  withTrace,
} from "../../src/index.ts";
import { withTracing } from "../../src/otel.ts";
import { withPrometheus } from "../../src/prometheus.ts";
import { authority } from "../support/certificates.ts";
import { turns } from "../support/contract.ts";
import { freePort, goodPeer, type Peer, peer, readText } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";
import { startTinyproxy } from "../support/servers.ts";
import { loopback, tlsPeer } from "../support/tls-peers.ts";
import { scrape } from "../telemetry/exposition.ts";
import { sdk2 } from "../telemetry/sdk-lines.ts";
import { spanRecorder, spanTree } from "../telemetry/span-tree.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

const auth = { username: "Qx1user", password: "Qx2pass/@:word" };
/** Characters that tinyproxy's configuration can represent. */
const plainAuth = { username: "Qx1user", password: "Qx2password" };
const established = "HTTP/1.1 200 Connection established\r\n\r\n";

/** A proxy that answers each request with the result of `answer` and records the requests. */
async function scripted(answer: (socket: Socket, request: string) => void): Promise<Peer & { requests: string[] }> {
  const requests: string[] = [];
  const proxy = await peer((socket) => {
    let request = "";
    socket.on("data", function onData(chunk) {
      request += chunk;
      if (!request.endsWith("\r\n\r\n")) return;
      socket.removeListener("data", onData);
      requests.push(request);
      answer(socket, request);
    });
  });
  return Object.assign(proxy, { requests });
}

const says = (text: string) => scripted((socket) => void socket.write(text, "latin1"));
const via = (proxy: { address: string }, options: Partial<HttpProxyOptions> = {}) =>
  compose(httpProxy({ proxy: `http://${proxy.address}`, ...options }));

describe("the request", () => {
  const targets: readonly (readonly [string, string])[] = [
    ["db.test:5432", "db.test:5432"],
    ["10.0.0.1:5432", "10.0.0.1:5432"],
    ["[2001:db8::1]:5432", "[2001:db8::1]:5432"],
    ["nats://user:secret@db.test", "db.test:4222"],
  ];
  for (const [target, named] of targets) {
    test(`httpProxy requests ${named} for ${target}, with no other headers`, async () => {
      await using proxy = await says(established);
      (await via(proxy)(target)).destroy();
      assert.deepEqual(proxy.requests, [`CONNECT ${named} HTTP/1.1\r\nHost: ${named}\r\n\r\n`]);
    });
  }

  test("httpProxy sends the credentials of the URL or of the option, and the given headers", async () => {
    await using proxy = await says(established);
    const { username, password } = auth;
    const url = `http://${username}:${encodeURIComponent(password)}@${proxy.address}`;
    (await compose(httpProxy({ proxy: url }))("db.test:1")).destroy();
    (await via(proxy, { auth, headers: { "X-Tenant": "a" } })("db.test:1")).destroy();
    (await via(proxy, { headers: { "Proxy-Authorization": "Bearer token" } })("db.test:1")).destroy();
    const basic = `Proxy-Authorization: Basic ${Buffer.from(`${username}:${password}`).toString("base64")}\r\n`;
    const start = "CONNECT db.test:1 HTTP/1.1\r\nHost: db.test:1\r\n";
    assert.deepEqual(proxy.requests, [
      `${start}${basic}\r\n`,
      `${start}X-Tenant: a\r\n${basic}\r\n`,
      `${start}Proxy-Authorization: Bearer token\r\n\r\n`,
    ]);
  });
});

describe("bytes that follow the proxy's response", () => {
  const info = `INFO ${JSON.stringify({ server_id: "a" })}\r\n`;
  const whole = `${established}${info}`;

  test("httpProxy keeps bytes that arrive in one packet with the response", async () => {
    await using proxy = await says(whole);
    const conn = await via(proxy)("db.test:4222");
    await turns();
    assert.equal(conn.readableFlowing, null);
    assert.deepEqual(
      ["readable", "end", "close", "error"].map((event) => conn.listenerCount(event)),
      [0, 1, 0, 0],
    );
    assert.equal(await readText(conn, info.length), info);
    conn.destroy();
  });

  test("httpProxy keeps bytes after the response wherever the packets are split", async () => {
    for (let cut = 1; cut < whole.length; cut += 1) {
      await using proxy = await scripted((socket) => {
        socket.setNoDelay();
        socket.write(whole.slice(0, cut));
        setTimeout(() => socket.write(whole.slice(cut)), 2);
      });
      const conn = await via(proxy)("db.test:4222");
      assert.equal(await readText(conn, info.length), info, `cut at ${cut}`);
      conn.destroy();
    }
  });

  test("httpProxy keeps bytes after the response that arrive one at a time", async () => {
    await using proxy = await scripted(async (socket) => {
      socket.setNoDelay();
      for (const byte of whole) {
        socket.write(byte);
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    const conn = await via(proxy)("db.test:4222");
    assert.equal(await readText(conn, info.length), info);
    conn.destroy();
  });

  test("httpProxy keeps bytes and the end of the stream that follow the response", async () => {
    await using proxy = await scripted((socket) => socket.end(whole));
    const conn = await via(proxy)("db.test:4222");
    assert.equal(await readText(conn, info.length), info);
    await once(conn, "end");
    conn.destroy();
  });

  test("the dial's handshake reads bytes that arrive with the proxy's response", async () => {
    await using proxy = await says(whole);
    const handshake = async (conn: Socket) => {
      assert.equal(await readText(conn, info.length), info);
      return conn;
    };
    (await via(proxy)("db.test:4222", { handshake })).destroy();
  });

  test("httpProxy skips interim responses", async () => {
    await using proxy = await says(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n${whole}`);
    const conn = await via(proxy)("db.test:4222");
    assert.equal(await readText(conn, info.length), info);
    conn.destroy();
  });

  test("httpProxy keeps more bytes after the response than the maximum length of the response", async () => {
    const much = "x".repeat(40_000);
    await using proxy = await says(`${established}${much}`);
    const conn = await via(proxy)("db.test:4222");
    assert.equal(await readText(conn, much.length), much);
    conn.destroy();
  });
});

describe("failed answers", () => {
  const answers: readonly (readonly [string, Reason, RegExp])[] = [
    ["HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n", "proxy_auth", /answered 407$/],
    ["HTTP/1.0 407\r\n\r\n", "proxy_auth", /answered 407$/],
    ["HTTP/1.0 401 Unauthorized\r\n\r\n", "proxy_auth", /answered 401$/],
    ["HTTP/1.1 403 Forbidden\r\n\r\n", "proxy_rejected", /answered 403$/],
    ["HTTP/1.1 502 Bad Gateway\r\n\r\n", "proxy_rejected", /answered 502$/],
    ["HTTP/1.1 301 Moved\r\nLocation: http://elsewhere\r\n\r\n", "proxy_rejected", /answered 301$/],
    ["SSH-2.0-OpenSSH_9.2\r\n", "proxy_rejected", /the proxy's response is not HTTP$/],
    ["INFO {}\r\n", "proxy_rejected", /not HTTP$/],
    ["\x05\xff", "proxy_rejected", /not HTTP$/],
    ["HTTP/1.1 2000 OK\r\n\r\n", "proxy_rejected", /not HTTP$/],
    ["HTTP/1.1 000 OK\r\n\r\n", "proxy_rejected", /not HTTP$/],
    ["HTTP/2 200\r\n\r\n", "proxy_rejected", /not HTTP$/],
    ["\r\n\r\n", "proxy_rejected", /not HTTP$/],
  ];
  for (const [answer, reason, message] of answers) {
    test(`httpProxy fails with ${reason} immediately after ${JSON.stringify(answer.split("\r\n", 1)[0] || answer)}`, async () => {
      await using proxy = await says(answer);
      const done: ProxyDoneInfo[] = [];
      const dialing = via(proxy)("db.test:5432", { trace: { proxyDone: (info) => done.push(info) } });
      await assert.rejects(dialing, (error: DialError) => {
        assert.ok(error instanceof DialError);
        assert.equal(error.reason, reason);
        assert.equal(error.target, "db.test:5432");
        assert.match(error.message, message);
        assert.match(error.message, /^dial db\.test:5432: /);
        assert.equal(error.attempts.length, 1);
        return true;
      });
      assert.equal(done[0]?.reason, reason);
      await until(() => proxy.open.size === 0, "the proxy sees it closed");
    });
  }
});

describe("unix sockets", () => {
  test("httpProxy refuses a unix socket without dialing", async () => {
    await using proxy = await goodPeer();
    await assert.rejects(via(proxy)("unix:/run/a.sock"), { reason: "config", message: /cannot dial unix sockets/ });
    assert.equal(proxy.accepted, 0);
  });
});

describe("through a real proxy", () => {
  test("httpProxy connects through a real proxy; hooks, spans and metrics report proxy and target", async () => {
    await using server = await peer((socket) => socket.write("INFO {}\r\n"));
    await using proxy = await startTinyproxy(plainAuth);
    const recorder = spanRecorder();
    const registry = new Registry();
    const told: unknown[] = [];
    const hear = (info: object) => void told.push(info);
    const dial = compose(
      withTracing({ tracerProvider: sdk2.provider(recorder) }),
      withPrometheus({ registry }),
      withTrace({ proxyStart: hear, proxyDone: hear, attemptDone: hear }),
      httpProxy({ proxy: `http://${proxy.address}`, auth: plainAuth }),
    );
    const conn = await dial(server.address);
    assert.equal(await readText(conn, 9), "INFO {}\r\n");
    conn.destroy();

    assert.equal(
      spanTree(recorder.started, { [server.port]: "PORT", [proxy.port]: "PROXY" }),
      `
dial dialer.attempt.count=1 dialer.name=default dialer.outcome=success network.transport=tcp server.address=127.0.0.1 server.port=PORT
  attempt dialer.attempt.number=1 dialer.endpoint=127.0.0.1:PORT
    connect network.local.address=127.0.0.1 network.peer.address=127.0.0.1 network.peer.port=PROXY network.type=ipv4
    proxy connect dialer.proxy.type=http network.peer.address=127.0.0.1 network.peer.port=PROXY`.trim(),
    );
    const scraped = await scrape(registry);
    assert.deepEqual(scraped.nonZero("dialer_phase_duration_seconds_count"), [
      "dialer_phase=connect,error_type= → 1",
      "dialer_phase=proxy,error_type= → 1",
    ]);
    assert.deepEqual(scraped.nonZero("dialer_connect_done_total"), [
      "dialer_outcome=success,network_transport=tcp,network_type=ipv4 → 1",
    ]);
    showsNothing(
      told.slice(0, 2),
      recorder.started.map(({ attributes, events }) => ({ attributes, events })),
    );
  });

  for (const [what, given] of [
    ["none", undefined],
    ["wrong ones", { username: "Qx1user", password: "Qx3wrong" }],
  ] as const) {
    test(`httpProxy fails with proxy_auth when the proxy requires credentials and gets ${what}, without showing them`, async () => {
      await using proxy = await startTinyproxy(plainAuth);
      const told: unknown[] = [];
      const hooks: DialTrace = { proxyStart: (info) => told.push(info), proxyDone: (info) => told.push(info) };
      const dial = compose(withTrace(hooks), httpProxy({ proxy: `http://${proxy.address}`, auth: given }));
      const error = await dial("127.0.0.1:1").then(
        () => assert.fail("must not succeed"),
        (error: unknown) => error,
      );
      assert.equal((error as DialError).reason, "proxy_auth");
      showsNothing(error, told);
    });
  }

  test("httpProxy fails with proxy_rejected when the proxy forbids or cannot reach the target", async () => {
    await using proxy = await startTinyproxy(undefined, ["ConnectPort 443"]);
    await assert.rejects(via(proxy)("127.0.0.1:1"), { reason: "proxy_rejected", message: /answered 403$/ });
    await using open = await startTinyproxy();
    const target = `127.0.0.1:${await freePort()}`;
    await assert.rejects(via(open)(target), { reason: "proxy_rejected", message: /answered 50\d$/ });
  });

  test("httpProxy fails with the system's code when the proxy is not listening", async () => {
    const dial = compose(httpProxy({ proxy: `http://127.0.0.1:${await freePort()}` }));
    await assert.rejects(dial("db.test:1"), { reason: "refused", code: "ECONNREFUSED", target: "db.test:1" });
  });

  test("tls over httpProxy checks the certificate against the target, not the proxy", async () => {
    const ca = authority();
    await using proxy = await startTinyproxy();
    await using server = await tlsPeer(ca.issue({ name: "localhost" }), (socket) => socket.write("hi"));
    const tunnel = httpProxy({ proxy: `http://${proxy.address}` });
    const conn = await compose(tls({ ca: ca.cert }, tunnel))(`localhost:${server.port}`);
    assert.equal(await readText(conn, 2), "hi");
    assert.equal(server.secured[0]?.servername, "localhost");
    conn.destroy();
    // The certificate is not valid for the proxy's own name, 127.0.0.1.
    await assert.rejects(compose(tls({ ca: ca.cert }, tunnel))(`127.0.0.1:${server.port}`), { reason: "tls_hostname" });
  });
});

test("httpProxy connects to an https proxy over TLS, and TLS to the target runs inside it", async () => {
  const ca = authority();
  await using server = await tlsPeer(ca.issue({ name: "db.test" }), (socket) => socket.write("hi"));
  const requests: string[] = [];
  await using proxy = await tlsPeer(ca.issue({ name: "proxy.test" }), (socket) => {
    socket.once("data", (request) => {
      requests.push(String(request).split("\r\n", 1)[0] as string);
      const through = connectSocket(server.port, "127.0.0.1", () => socket.write(established));
      through.on("error", () => socket.destroy());
      socket.on("close", () => through.destroy());
      socket.pipe(through).pipe(socket);
    });
  });
  const { tcp } = await import("../../src/index.ts");
  const names: string[] = [];
  const trace: DialTrace = { tlsHandshakeDone: ({ serverName, outcome }) => names.push(`${serverName} ${outcome}`) };
  const over = tls({ ca: ca.cert }, tcp({ lookup: loopback }));
  const tunnel = httpProxy({ proxy: `https://proxy.test:${proxy.port}` }, over);
  const conn = await compose(tls({ ca: ca.cert }, tunnel))("db.test:5432", { trace });
  assert.equal(await readText(conn, 2), "hi");
  assert.deepEqual(requests, ["CONNECT db.test:5432 HTTP/1.1"]);
  assert.deepEqual(names, ["proxy.test success", "db.test success"]);
  conn.destroy();
});

test("httpProxy sends a CONNECT that Node's HTTP server understands", async () => {
  const server = createServer();
  server.on("connect", (request, socket: Socket, head) => {
    assert.equal(head.length, 0);
    socket.on("error", () => {});
    socket.end(`${established}${request.url} ${request.headers.host}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const conn = await via({ address: `127.0.0.1:${port}` })("[::1]:5432");
  assert.equal(await readText(conn, 21), "[::1]:5432 [::1]:5432");
  conn.destroy();
  server.close();
});

describe("options", () => {
  const proxy = "http://p:1";
  const wrong: readonly (readonly [string, HttpProxyOptions, RegExp])[] = [
    ["a missing proxy", {} as never, /^TypeError: httpProxy: proxy must be a URL, got undefined/],
    [
      "a proxy of another scheme",
      { proxy: "ftp://u:Qx1@p" },
      /^TypeError: .*http:\/\/ or https:\/\/, got "ftp:\/\/\*\*\*@p"/,
    ],
    ["a proxy without a scheme", { proxy: "u:Qx1@p:3128" }, /^TypeError: httpProxy: proxy must start with/],
    ["a proxy without a host", { proxy: "http://u:Qx1@" }, /^TypeError: httpProxy: proxy must name a host/],
    ["a proxy with an empty port", { proxy: "http://u:Qx1@p:" }, /^TypeError: httpProxy: proxy must name a host/],
    [
      "a slash in the password",
      { proxy: "http://u:Qx1/Qx2@p" },
      /percent-encode .* in the userinfo, got "http:\/\/\*\*\*@p"/,
    ],
    ["a password that starts like a port", { proxy: "http://u:12/Qx2@p" }, /percent-encode/],
    ["an unknown option", { proxy, timeout: 1 } as never, /^TypeError: httpProxy: unknown option timeout/],
    ["a timeout of 0", { proxy, timeoutMs: 0 }, /^RangeError: httpProxy: timeoutMs/],
    [
      "a username without a password",
      { proxy, auth: { username: "Qx1" } as never },
      /^TypeError: httpProxy: auth must be/,
    ],
    ["null as credentials", { proxy, auth: null as never }, /^TypeError: httpProxy: auth must be/],
    ["a username with a colon", { proxy, auth: { username: "Qx1:", password: "" } }, /^TypeError: httpProxy: auth/],
    ["a header with a line end", { proxy, headers: { a: "Qx1\r\nb: c" } }, /^TypeError: httpProxy: headers: "a"/],
    ["an invalid header name", { proxy, headers: { "a b": "Qx1" } }, /^TypeError: httpProxy: headers: "a b"/],
    ["a header without a value", { proxy, headers: { a: undefined as never } }, /^TypeError: httpProxy: headers: "a"/],
    [
      "headers that are not an object",
      { proxy, headers: "Qx1" as never },
      /^TypeError: httpProxy: headers must be an object/,
    ],
    [
      "a Host header",
      { proxy, headers: { host: "Qx1" } },
      /^TypeError: httpProxy: headers: host is set by httpProxy; leave it out/,
    ],
    [
      "credentials in both auth and headers",
      { proxy, auth, headers: { "proxy-authorization": "Qx1" } },
      /^TypeError: httpProxy: headers: proxy-authorization is set by httpProxy; leave it out/,
    ],
  ];
  for (const [what, options, message] of wrong) {
    test(`httpProxy refuses ${what} at construction, without showing a secret`, () => {
      assert.throws(
        () => httpProxy(options),
        (error: Error) => {
          assert.match(String(error), message);
          showsNothing(error);
          return true;
        },
      );
    });
  }
});

/** Fails when `text` contains any of the credentials, in plain text or as they are sent. */
function showsNothing(...seen: unknown[]): void {
  const text = inspect(seen, { depth: Number.POSITIVE_INFINITY, showHidden: true });
  assert.doesNotMatch(text, /Qx\d/);
  assert.ok(!text.includes(Buffer.from("Qx1user").toString("base64").slice(0, 8)));
}
