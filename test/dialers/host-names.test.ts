import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import {
  compose,
  httpProxy,
  parseTarget,
  pool,
  type SocksProxyOptions,
  socksProxy,
  Target,
  type TargetLike,
  tcp,
  tls,
  withRetry,
} from "../../src/index.ts";
import { authority } from "../support/certificates.ts";
import { type Peer, peer } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";
import { startMicrosocks, startTinyproxy } from "../support/servers.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { loopback, tlsPeer } from "../support/tls-peers.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

const unicode = "bücher.test";
const ascii = "xn--bcher-kva.test";

/** A proxy that answers each message with the next of `answers` and records the messages. */
async function scripted(...answers: readonly (string | Buffer)[]): Promise<Peer & { messages: Buffer[] }> {
  const messages: Buffer[] = [];
  const proxy = await peer((socket) => {
    const left = [...answers];
    socket.setNoDelay();
    socket.on("data", (message) => {
      messages.push(message);
      const answer = left.shift();
      if (answer === undefined) socket.end();
      else socket.write(answer);
    });
  });
  return Object.assign(proxy, { messages });
}

const socksYes = [Buffer.from("0500", "hex"), Buffer.from("05000001000000000000", "hex")];
const connectYes = "HTTP/1.1 200 Connection established\r\n\r\n";

describe("non-ASCII names", () => {
  test("a non-ASCII name is converted to A-labels for the lookup, the DNS hooks and the error", async () => {
    const asked: string[] = [];
    const told: string[] = [];
    const lookup: SocksProxyOptions["lookup"] = (host, _options, done) => {
      asked.push(host);
      done(Object.assign(new Error(`ENOTFOUND ${host}`), { code: "ENOTFOUND" }), []);
    };
    const dial = compose(tcp({ lookup }));
    const trace = { dnsStart: ({ host }: { host: string }) => void told.push(host) };
    await assert.rejects(dial(`${unicode}:1`, { trace }), {
      reason: "dns_not_found",
      target: `${ascii}:1`,
      message: new RegExp(`^dial ${ascii}:1: `),
    });
    assert.deepEqual(new Set([...asked, ...told]), new Set([ascii]));
  });

  test("a non-ASCII name is converted to A-labels for TLS, in SNI and for the certificate", async () => {
    const ca = authority();
    const names: unknown[] = [];
    await using server = await tlsPeer(ca.issue({ name: ascii }), (socket) => {
      names.push((socket as { servername?: unknown }).servername);
    });
    const over = tcp({ lookup: loopback });
    const conns = [
      await compose(tls({ ca: ca.cert }, over))(`${unicode}:${server.port}`),
      await compose(tls({ ca: ca.cert, serverName: unicode }, over))(`127.0.0.1:${server.port}`),
    ];
    await until(() => names.length === 2, "both handshakes are done");
    assert.deepEqual(names, [ascii, ascii]);
    for (const conn of conns) conn.destroy();
  });

  test("a non-ASCII name is converted to A-labels for an HTTP proxy, in the request line and the Host header", async () => {
    await using proxy = await scripted(connectYes);
    (await compose(httpProxy({ proxy: `http://${proxy.address}` }))(`${unicode}:80`)).destroy();
    assert.equal(String(proxy.messages[0]), `CONNECT ${ascii}:80 HTTP/1.1\r\nHost: ${ascii}:80\r\n\r\n`);
  });

  test("a non-ASCII name is converted to A-labels for a SOCKS proxy", async () => {
    await using proxy = await scripted(...socksYes);
    (await compose(socksProxy({ proxy: `socks5h://${proxy.address}` }))(`${unicode}:80`)).destroy();
    assert.deepEqual(proxy.messages[1]?.subarray(3, 5), Buffer.from([3, ascii.length]));
    assert.equal(proxy.messages[1]?.toString("latin1", 5, 5 + ascii.length), ascii);
  });

  test("a non-ASCII name is converted to A-labels for a pool, which shares connections of both spellings", async () => {
    await using server = await peer((socket) => socket.resume());
    const connections = pool({ dialer: compose(tcp({ lookup: loopback })) });
    for (const name of [unicode, ascii]) (await connections.acquire(`${name}:${server.port}`)).release();
    assert.deepEqual([...connections.stats().targets.keys()], [`${ascii}:${server.port}`]);
    await until(() => server.accepted > 0, "the server has accepted");
    assert.equal(server.accepted, 1);
    await connections.close();
  });

  test("a non-ASCII name of a proxy is converted to A-labels", async () => {
    const urls = [`socks5h://${unicode}:1`, `socks5h://b%C3%BCcher.test:1`, new URL(`socks5h://${unicode}:1`)];
    for (const proxy of urls) {
      const asked: string[] = [];
      const lookup: SocksProxyOptions["lookup"] = (host, _options, done) => {
        asked.push(host);
        done(Object.assign(new Error("no such name"), { code: "ENOTFOUND" }), []);
      };
      await assert.rejects(compose(socksProxy({ proxy }, tcp({ lookup })))("db.test:1"), { reason: "dns_not_found" });
      assert.deepEqual(new Set(asked), new Set([ascii]));
    }
  });
});

describe("names that are too long", () => {
  test("a name of more than 253 octets is refused as a target, without dialing", async () => {
    await using proxy = await scripted(...socksYes);
    const dial = compose(withRetry(), socksProxy({ proxy: `socks5h://${proxy.address}` }));
    for (const host of ["ü".repeat(200), `${"ü.".repeat(100)}test`, "a".repeat(256), "ü/evil.test", "ü\r\nx"]) {
      await assert.rejects(dial({ host, port: 80 }), {
        name: "TypeError",
        code: "ERR_INVALID_TARGET",
        reason: "config",
      });
    }
    assert.equal(proxy.accepted, 0);
  });

  test("socksProxy refuses a name of more than 255 bytes in a Target that was not parsed", async () => {
    await using proxy = await scripted(...socksYes);
    const dial = compose(withRetry(), socksProxy({ proxy: `socks5h://${proxy.address}` }));
    await assert.rejects(dial(new Target("ü".repeat(200), 80)), { reason: "config", attemptCount: 1 });
    assert.equal(proxy.messages.length, 1);
  });

  test("a name of 253 octets reaches real proxies, which fail to resolve it", async () => {
    const name = `${"a.".repeat(124)}a.com`;
    assert.equal(name.length, 253);
    await using socks = await startMicrosocks();
    await using http = await startTinyproxy();
    await assert.rejects(compose(socksProxy({ proxy: `socks5h://${socks.address}` }))(`${name}:1`), {
      reason: "proxy_rejected",
    });
    await assert.rejects(compose(httpProxy({ proxy: `http://${http.address}` }))(`${name}:1`), {
      reason: "proxy_rejected",
    });
  });
});

test("the zone of an IPv6 address is not sent to a proxy", async () => {
  await using http = await scripted(connectYes);
  await using socks = await scripted(...socksYes);
  (await compose(httpProxy({ proxy: `http://${http.address}` }))("[fe80::1%eth0]:80")).destroy();
  (await compose(socksProxy({ proxy: `socks5h://${socks.address}` }))("[fe80::1%eth0]:80")).destroy();
  assert.equal(String(http.messages[0]), "CONNECT [fe80::1]:80 HTTP/1.1\r\nHost: [fe80::1]:80\r\n\r\n");
  assert.equal(socks.messages[1]?.toString("hex"), "05010004fe8000000000000000000000000000010050");
});

test("an IPv4 address in another notation is dialed as that address, with TLS and proxies too", async () => {
  const ca = authority();
  await using server = await tlsPeer(ca.issue({ name: "db.test", alternatives: ["IP:127.0.0.1"] }));
  for (const host of ["127.1", "0x7f.0.0.1", "2130706433", "１２７.0.0.1"]) {
    const conn = await compose(tls({ ca: ca.cert }))({ host, port: server.port });
    assert.equal(conn.remoteAddress, "127.0.0.1");
    conn.destroy();
  }
  await using proxy = await scripted(...socksYes);
  (await compose(socksProxy({ proxy: `socks5h://${proxy.address}` }))("127.1:80")).destroy();
  assert.equal(proxy.messages[1]?.toString("hex"), "050100017f0000010050");
});

describe("a proxy's port", () => {
  const cases: readonly (readonly [string | URL, number])[] = [
    [new URL("http://127.0.0.1:80"), 80],
    [new URL("http://127.0.0.1"), 80],
    [new URL("http://127.0.0.1:1080"), 1080],
    [new URL("http://u:p@127.0.0.1:80/"), 80],
    [new URL("https://127.0.0.1:443"), 443],
    [new URL("https://127.0.0.1:8443"), 8443],
    ["http://127.0.0.1:80", 80],
    ["HTTP://127.0.0.1:80", 80],
    ["http://127.0.0.1:80/", 80],
    ["http://127.0.0.1", 1080],
    ["https://127.0.0.1", 443],
    ["https://127.0.0.1:443", 443],
    ["http://[::1]", 1080],
    [new URL("http://[::1]:80"), 80],
    ["socks5://127.0.0.1", 1080],
    ["socks5://127.0.0.1:80", 80],
    [new URL("socks5://127.0.0.1"), 1080],
    [new URL("socks5h://127.0.0.1:80"), 80],
    [new URL("socks5h://127.0.0.1:443"), 443],
  ];
  for (const [proxy, port] of cases) {
    test(`a proxy's port is ${port} for ${proxy instanceof URL ? "a URL of" : "the text"} ${proxy}`, async () => {
      const dialed: Target[] = [];
      const over = async (target: unknown): Promise<never> => {
        dialed.push(parseTarget(target as Target));
        throw new Error("not here");
      };
      const factory = /^http/i.test(String(proxy)) ? httpProxy : socksProxy;
      await assert.rejects(compose(factory({ proxy }, over))("db.test:1"));
      assert.equal(dialed[0]?.port, port);
    });
  }
});

const limit = process.platform === "linux" ? 107 : 103;
const skip = process.platform === "win32";

describe("the path of a unix socket", () => {
  const forms: readonly (readonly [string, (path: string) => TargetLike, prefix: string])[] = [
    ["an object", (path) => ({ path }), "/tmp/"],
    ["an object with an abstract name", (path) => ({ path }), "\0"],
    ["a string", (path) => `unix:${path}`, "/tmp/"],
    ["a string with an abstract name", (path) => `unix:${path}`, "@"],
    ["a URL", (path) => new URL(`unix:${path}`), "/tmp/"],
    ["a Target", (path) => new Target("", 0, path), "/tmp/"],
  ];
  for (const [what, form, prefix] of forms) {
    test(`a unix path in ${what} is refused from ${limit + 1} bytes, and not retried`, { skip }, async () => {
      const dial = compose(withRetry(), tcp());
      const padded = (bytes: number) => prefix + "x".repeat(bytes - prefix.length);
      await assert.rejects(compose(tcp())(form(padded(limit))), { reason: "refused" });
      for (const path of [padded(limit + 1), padded(4096), prefix + "ü".repeat(limit - 10)]) {
        await assert.rejects(dial(form(path)), {
          name: "DialError",
          reason: "config",
          attemptCount: 1,
          message: new RegExp(`: the unix socket's path has \\d+ bytes; the maximum is ${limit}$`),
        });
      }
    });
  }

  test("a unix path that is too long never connects to another socket", { skip }, async () => {
    const folder = temporaryFolder();
    const accepted: string[] = [];
    const listen = async (at: string): Promise<Server> => {
      const server = createServer((socket) => {
        accepted.push(at);
        socket.destroy();
      });
      server.listen(at);
      await once(server, "listening");
      return server;
    };
    const padding = "x".repeat(limit - folder.length - 1);
    const paths = [join(folder, padding), ...(process.platform === "linux" ? [`\0${folder}${padding}`] : [])];
    const servers = await Promise.all(paths.map(listen));
    try {
      for (const path of paths) {
        (await compose(tcp())({ path })).destroy();
        for (const longer of [`${path}y`, `${path}yy`, `${path}${"y".repeat(50)}`]) {
          await assert.rejects(compose(tcp())({ path: longer }), { reason: "config" });
        }
      }
      await until(() => accepted.length === paths.length, "each server has seen its own connection");
      assert.deepEqual(accepted, paths);
    } finally {
      for (const server of servers) server.close();
    }
  });
});
