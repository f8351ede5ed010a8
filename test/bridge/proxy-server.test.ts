import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { type BridgeErrorInfo, type ProxyServerOptions, proxyServer } from "../../src/bridge.ts";
import {
  compose,
  DialError,
  type Dialer,
  httpProxy,
  type Reason,
  reasons,
  socksProxy,
  type Target,
  tcp,
} from "../../src/index.ts";
import { freePort, peer } from "../support/peers.ts";
import { activeResources, until } from "../support/resources.ts";
import { rawClient } from "./raw-client.ts";

const auth = { username: "Qx1user", password: "Qx2pass/word" };

interface Reported {
  readonly error: unknown;
  readonly info: BridgeErrorInfo;
}

/** A proxy server, with the targets that it dialed and the errors that it reported. */
async function start(options: Partial<ProxyServerOptions> = {}) {
  const targets: string[] = [];
  const reported: Reported[] = [];
  const inner: Dialer = options.dialer ?? compose(tcp());
  const dialer: Dialer = (target, dialOptions) => {
    targets.push(String(target));
    return inner(target, dialOptions);
  };
  const onError = (error: unknown, info: BridgeErrorInfo) => void reported.push({ error, info });
  const server = await proxyServer({ onError, ...options, dialer }).listen();
  return { server, targets, reported, [Symbol.asyncDispose]: () => server.close() };
}

const bytes = (...values: (number | string)[]) =>
  Buffer.concat(
    values.map((value) => (typeof value === "string" ? Buffer.from(value, "latin1") : Buffer.from([value]))),
  );
const greeting = bytes(5, 1, 0);
const socksConnect = (name: string, port: number) =>
  bytes(5, 1, 0, 3, Buffer.byteLength(name, "latin1"), name, port >> 8, port & 255);
const hex = (text: string) => Buffer.from(text, "latin1").toString("hex");

/** Sends `pieces` and returns everything that the proxy answered before it ended the connection. */
async function talk(proxy: Awaited<ReturnType<typeof start>>, ...pieces: Uint8Array[]): Promise<string> {
  const client = await rawClient(proxy.server);
  for (const piece of pieces) client.socket.write(piece);
  await until(() => client.ended || client.socket.closed, "the proxy ends the connection");
  client.socket.destroy();
  await client.closed;
  return client.received;
}

const echo = () => peer((socket) => socket.pipe(socket));

for (const [kind, through] of Object.entries({
  SOCKS5: (address: string, login?: typeof auth) =>
    socksProxy({ proxy: `socks5h://${address}`, ...(login && { auth: login }) }),
  CONNECT: (address: string, login?: typeof auth) =>
    httpProxy({ proxy: `http://${address}`, ...(login && { auth: login }) }),
})) {
  describe(kind, () => {
    test(`a ${kind} client reaches its target through the dialer`, async () => {
      await using target = await echo();
      await using proxy = await start();
      const socket = await compose(through(proxy.server.address))(target.address);
      socket.write("ping");
      const [said] = await new Promise<[Buffer]>((resolve) => socket.once("data", (data) => resolve([data])));
      assert.equal(String(said), "ping");
      socket.destroy();
    });

    test(`the name that a ${kind} client asks for reaches the dialer unresolved`, async () => {
      await using target = await echo();
      const dialer: Dialer = (_target, options) => compose(tcp())(target.address, options);
      await using proxy = await start({ dialer });
      const socket = await compose(through(proxy.server.address))("db.example.internal:5432");
      assert.deepEqual(proxy.targets, ["db.example.internal:5432"]);
      socket.destroy();
    });

    test(`a ${kind} client with the right credentials is admitted, and one with wrong or no credentials is not`, async () => {
      await using target = await echo();
      await using proxy = await start({ auth });
      (await compose(through(proxy.server.address, auth))(target.address)).destroy();
      for (const wrong of [undefined, { ...auth, password: "Qx3" }, { ...auth, username: "Qx4" }]) {
        await assert.rejects(compose(through(proxy.server.address, wrong))(target.address), { reason: "proxy_auth" });
      }
      assert.deepEqual(proxy.targets, [target.address]);
      assert.deepEqual(
        proxy.reported.map(({ info }) => `${info.phase} ${info.reason}`),
        ["request auth_failed", "request auth_failed", "request auth_failed"],
      );
      assert.doesNotMatch(inspect(proxy.reported, { depth: 9, showHidden: true }), /Qx\d/);
    });

    test(`a ${kind} client gets no connection to a target that allowTarget refuses`, async () => {
      const asked: Target[] = [];
      const allowTarget = (target: Target) => {
        asked.push(target);
        return false;
      };
      await using proxy = await start({ allowTarget });
      await assert.rejects(compose(through(proxy.server.address))("other.internal:22"), { reason: "proxy_rejected" });
      assert.deepEqual(proxy.targets, []);
      assert.deepEqual(asked.map(String), ["other.internal:22"]);
      assert.deepEqual(
        proxy.reported.map(({ info }) => `${info.phase} ${info.reason} ${info.target}`),
        ["request access_denied other.internal:22"],
      );
    });

    test(`a ${kind} client that leaves cancels its dial`, async () => {
      let aborted = 0;
      const dialer: Dialer = (_target, options) =>
        new Promise((_resolve, reject) => {
          options?.signal?.addEventListener("abort", () => {
            aborted += 1;
            reject(options.signal?.reason);
          });
        });
      await using proxy = await start({ dialer });
      const abort = new AbortController();
      const dialed = compose(through(proxy.server.address))("db.internal:5432", { signal: abort.signal });
      await until(() => proxy.targets.length === 1, "the proxy dials");
      abort.abort();
      await assert.rejects(dialed);
      await until(() => proxy.server.connections === 0, "the client is gone");
      assert.equal(aborted, 1);
      assert.deepEqual(proxy.reported, []);
    });

    test(`bytes that a ${kind} client sends along with its request reach the target`, async () => {
      await using target = await echo();
      await using proxy = await start();
      const client = await rawClient(proxy.server);
      const request =
        kind === "SOCKS5"
          ? Buffer.concat([greeting, socksConnect("127.0.0.1", target.port)])
          : bytes(`CONNECT ${target.address} HTTP/1.1\r\nHost: x\r\n\r\n`);
      client.socket.end(Buffer.concat([request, bytes("early")]));
      await client.closed;
      assert.match(client.received, /early$/);
    });

    test(`a ${kind} request that arrives byte by byte is understood`, async () => {
      await using target = await echo();
      await using proxy = await start();
      const client = await rawClient(proxy.server);
      client.socket.setNoDelay(true);
      const request =
        kind === "SOCKS5"
          ? Buffer.concat([greeting, socksConnect("127.0.0.1", target.port)])
          : bytes(`CONNECT ${target.address} HTTP/1.1\r\n\r\n`);
      for (const byte of request) {
        client.socket.write(Buffer.from([byte]));
        await new Promise((resolve) => setImmediate(resolve));
      }
      client.socket.write("x");
      await client.receives((text) => text.endsWith("x"));
      client.socket.destroy();
    });
  });
}

const failed = (reason: Reason, code?: string) =>
  new DialError("failed", { reason, cause: Object.assign(new Error("x"), { code }) });

const socksCodes: Partial<Record<Reason, number>> = {
  refused: 5,
  timeout: 6,
  unreachable: 4,
  dns_not_found: 4,
  dns_temporary: 4,
  access_denied: 2,
  no_target: 4,
};
const httpStatuses: Partial<Record<Reason, number>> = {
  timeout: 504,
  access_denied: 403,
  circuit_open: 503,
  pool_exhausted: 503,
  no_target: 503,
  server_limit: 503,
  local_resource: 503,
};

for (const reason of reasons) {
  test(`a dial that fails with ${reason} is answered by the matching SOCKS reply and HTTP status`, async () => {
    await using proxy = await start({ dialer: () => Promise.reject(failed(reason)) });
    const socks = await talk(proxy, greeting, socksConnect("db.internal", 1));
    assert.equal(hex(socks), `050005${hex(String.fromCharCode(socksCodes[reason] ?? 1))}0001000000000000`);
    const http = await talk(proxy, bytes("CONNECT db.internal:1 HTTP/1.1\r\n\r\n"));
    assert.match(http, new RegExp(`^HTTP/1\\.1 ${httpStatuses[reason] ?? 502} [A-Z][^\\r]*\\r\\n`));
    assert.ok(http.endsWith(`\r\n\r\n${reason}\n`));
    assert.deepEqual(
      proxy.reported.map(({ info }) => `${info.phase} ${info.reason} ${info.target}`),
      [`dial ${reason} db.internal:1`, `dial ${reason} db.internal:1`],
    );
  });
}

test("an unreachable network has its own SOCKS reply", async () => {
  await using proxy = await start({ dialer: () => Promise.reject(failed("unreachable", "ENETUNREACH")) });
  assert.equal(hex(await talk(proxy, greeting, socksConnect("db.internal", 1))), "0500" + "0503000100000000" + "0000");
});

test("a refused connection is reported to the client and to onError", async () => {
  const port = await freePort();
  await using proxy = await start();
  assert.equal(hex(await talk(proxy, greeting, socksConnect("127.0.0.1", port))), "0500" + "0505000100000000" + "0000");
  assert.ok(proxy.reported[0]?.error instanceof DialError);
});

const hostileSocks: Readonly<Record<string, readonly [request: Uint8Array, answer: string]>> = {
  "the command BIND": [bytes(5, 2, 0, 1, 127, 0, 0, 1, 0, 80), "0507"],
  "the command UDP ASSOCIATE": [bytes(5, 3, 0, 1, 0, 0, 0, 0, 0, 0), "0507"],
  "an unknown address type": [bytes(5, 1, 0, 9, 1, 2, 3, 4, 5, 6), "0508"],
  "an empty name": [socksConnect("", 80), "0501"],
  "port 0": [socksConnect("db.internal", 0), "0501"],
  "a name with a path": [socksConnect("/var/run/docker.sock", 80), "0501"],
  "a name with a scheme": [socksConnect("unix:/var/run/docker.sock", 80), "0501"],
  "a name with userinfo": [socksConnect("user@db.internal", 80), "0501"],
  "a name with a line break": [socksConnect("db.internal\r\nX: y", 80), "0501"],
  "a name with a NUL": [socksConnect("db.internal\0evil", 80), "0501"],
  "a name that is not UTF-8": [socksConnect("db\xff\xfe.internal", 80), "0501"],
  "a name of 255 bytes": [socksConnect("x".repeat(255), 80), "0501"],
  "a request of another version": [bytes(4, 1, 0, 1, 127, 0, 0, 1, 0, 80), ""],
};

for (const [what, [request, answer]] of Object.entries(hostileSocks)) {
  test(`a SOCKS5 request with ${what} is refused without a dial`, async () => {
    await using proxy = await start();
    const said = hex(await talk(proxy, greeting, request));
    assert.equal(said, answer === "" ? "0500" : `0500${answer}0001000000000000`);
    assert.deepEqual(proxy.targets, []);
    assert.equal(proxy.reported.length, 1);
    assert.equal(proxy.reported[0]?.info.reason, "protocol");
  });
}

const hostileHttp: Readonly<Record<string, readonly [request: string, status: number | undefined]>> = {
  "another method": ["GET http://db.internal/ HTTP/1.1\r\n\r\n", 405],
  "a unix socket as its target": ["CONNECT unix:/var/run/docker.sock HTTP/1.1\r\n\r\n", 400],
  "a path as its target": ["CONNECT /var/run/docker.sock HTTP/1.1\r\n\r\n", 400],
  "a URL as its target": ["CONNECT http://db.internal:80 HTTP/1.1\r\n\r\n", 400],
  "userinfo in its target": ["CONNECT user:pass@db.internal:80 HTTP/1.1\r\n\r\n", 400],
  "a path after its target": ["CONNECT db.internal:80/x HTTP/1.1\r\n\r\n", 400],
  "no port": ["CONNECT db.internal HTTP/1.1\r\n\r\n", 400],
  "port 0": ["CONNECT db.internal:0 HTTP/1.1\r\n\r\n", 400],
  "a port that is too large": ["CONNECT db.internal:65536 HTTP/1.1\r\n\r\n", 400],
  "an IPv6 address without brackets": ["CONNECT ::1:80 HTTP/1.1\r\n\r\n", 400],
  "a name in brackets": ["CONNECT [db.internal]:80 HTTP/1.1\r\n\r\n", 400],
  "two targets": ["CONNECT a:1 b:2 HTTP/1.1\r\n\r\n", 400],
  "no version": ["CONNECT db.internal:80\r\n\r\n", 400],
  "a line feed in its target": ["CONNECT db.internal\n:80 HTTP/1.1\r\n\r\n", 400],
  "a percent-encoded name": ["CONNECT %64b.internal:80 HTTP/1.1\r\n\r\n", 400],
  "the preface of HTTP/2": ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 405],
  "a head of more than 16 kB": [`CONNECT db.internal:80 HTTP/1.1\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, undefined],
};

for (const [what, [request, status]] of Object.entries(hostileHttp)) {
  test(`an HTTP request with ${what} is refused without a dial`, async () => {
    await using proxy = await start();
    const said = await talk(proxy, bytes(request));
    assert.equal(/^HTTP\/1\.1 (\d+) /.exec(said)?.[1], status?.toString());
    assert.deepEqual(proxy.targets, []);
    assert.equal(proxy.reported[0]?.info.reason, "protocol");
  });
}

test("a client that speaks neither SOCKS5 nor HTTP is reset at its first byte", async () => {
  await using proxy = await start();
  for (const first of [4, 0, 22, 255]) assert.equal(await talk(proxy, bytes(first)), "");
  assert.deepEqual(proxy.targets, []);
  assert.equal(proxy.reported.length, 4);
});

test("a SOCKS5 client that offers no acceptable method gets the reply that says so", async () => {
  await using open = await start();
  assert.equal(hex(await talk(open, bytes(5, 1, 1))), "05ff");
  assert.equal(hex(await talk(open, bytes(5, 0))), "05ff");
  await using closed = await start({ auth });
  assert.equal(hex(await talk(closed, greeting)), "05ff");
});

test("repeated or malformed credentials of an HTTP client are refused", async () => {
  await using proxy = await start({ auth });
  const right = `Proxy-Authorization: Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString("base64")}\r\n`;
  for (const lines of [
    right + right,
    "Proxy-Authorization: Basic\r\n",
    "Proxy-Authorization: Bearer x\r\n",
    right.replace("Basic ", "Basic !"),
  ]) {
    const said = await talk(proxy, bytes(`CONNECT db.internal:1 HTTP/1.1\r\n${lines}\r\n`));
    assert.match(said, /^HTTP\/1\.1 407 .*\r\nProxy-Authenticate: Basic realm="proxy"\r\n/s);
  }
  assert.deepEqual(proxy.targets, []);
});

test("a client that does not finish its request is closed after requestTimeoutMs, and its bytes do not extend it", async () => {
  await using proxy = await start({ requestTimeoutMs: 60 });
  const silent = await rawClient(proxy.server);
  const slow = await rawClient(proxy.server);
  const dripping = setInterval(() => slow.socket.write("C"), 5);
  await until(() => proxy.reported.length === 2 && proxy.server.connections === 0, "both clients are closed");
  clearInterval(dripping);
  for (const client of [silent, slow]) client.socket.destroy();
  assert.deepEqual(
    proxy.reported.map(({ info, error }) => `${info.phase} ${info.reason} ${(error as DialError).code}`),
    ["request timeout ETIMEDOUT", "request timeout ETIMEDOUT"],
  );
});

test("a client that leaves during its request is not reported, and leaves nothing open", async () => {
  await using proxy = await start();
  const before = activeResources().Timeout ?? 0;
  for (const partial of [
    bytes(),
    bytes(5),
    greeting,
    Buffer.concat([greeting, bytes(5, 1, 0, 3, 200, "x")]),
    bytes("CONN"),
  ]) {
    const client = await rawClient(proxy.server);
    client.socket.write(partial);
    await new Promise((resolve) => setTimeout(resolve, 10));
    client.socket.destroy();
  }
  await until(() => proxy.server.connections === 0, "every client is gone");
  assert.deepEqual(proxy.reported, []);
  await until(() => (activeResources().Timeout ?? 0) <= before + 1, "no timer is left");
});

test("a client that keeps its connection after a refusal is closed by the server", async () => {
  await using proxy = await start();
  const client = await rawClient(proxy.server);
  const askedAt = performance.now();
  client.socket.write("GET / HTTP/1.1\r\n\r\n");
  await until(() => client.ended, "the answer has arrived");
  // The server waits for 2 seconds, which may have passed if this process was paused.
  assert.ok(proxy.server.connections === 1 || performance.now() - askedAt > 1_900, "the server waits for the client");
  await until(() => proxy.server.connections === 0, "the server has closed the connection");
  client.socket.destroy();
});

test("IP addresses of both families reach the dialer as addresses", async () => {
  const dialer: Dialer = () => Promise.reject(failed("refused"));
  await using proxy = await start({ dialer });
  await talk(proxy, greeting, bytes(5, 1, 0, 1, 10, 0, 0, 1, 0, 80));
  await talk(proxy, greeting, bytes(5, 1, 0, 4, 0x20, 1, 0xd, 0xb8, ...Array(11).fill(0), 1, 0, 80));
  await talk(proxy, bytes("CONNECT [2001:DB8:0::1]:80 HTTP/1.1\r\n\r\n"));
  assert.deepEqual(proxy.targets, ["10.0.0.1:80", "[2001:db8::1]:80", "[2001:db8::1]:80"]);
});
