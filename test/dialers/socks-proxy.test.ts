import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { inspect } from "node:util";
import { compose, DialError, type Reason, type SocksProxyOptions, socksProxy, tls } from "../../src/index.ts";
import { withTracing } from "../../src/otel.ts";
import { fakeClock } from "../../src/testing.ts";
import { authority } from "../support/certificates.ts";
import { record } from "../support/contract.ts";
import { freePort, goodPeer, type Peer, peer, readText } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";
import { startMicrosocks } from "../support/servers.ts";
import { tlsPeer } from "../support/tls-peers.ts";
import { sdk2 } from "../telemetry/sdk-lines.ts";
import { spanRecorder, spanTree } from "../telemetry/span-tree.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

const auth = { username: "Qx1user", password: "Qx2:pass/@" };
const yes = "05000001000000000000";

/** A proxy that answers each message with the next of `answers` (hexadecimal) and records the messages. */
async function scripted(...answers: readonly string[]): Promise<Peer & { messages: string[] }> {
  const messages: string[] = [];
  const proxy = await peer((socket) => {
    const left = [...answers];
    socket.setNoDelay();
    socket.on("data", (message) => {
      messages.push(message.toString("hex"));
      const answer = left.shift();
      if (answer === undefined) socket.end();
      else socket.write(Buffer.from(answer, "hex"));
    });
  });
  return Object.assign(proxy, { messages });
}

const via = (proxy: { address: string }, options: Partial<SocksProxyOptions> = {}) =>
  compose(socksProxy({ proxy: `socks5h://${proxy.address}`, ...options }));

describe("the request", () => {
  const targets: readonly (readonly [string, string])[] = [
    ["db.test:5432", "03 07 64622e74657374 1538"],
    ["10.0.0.255:1", "01 0a0000ff 0001"],
    ["[::1]:80", "04 00000000000000000000000000000001 0050"],
    ["[2001:db8::a:0:0:b]:80", "04 20010db800000000000a00000000000b 0050"],
    ["[1:2:3:4:5:6:7:8]:80", "04 00010002000300040005000600070008 0050"],
    ["[::ffff:10.0.0.1]:80", "04 00000000000000000000ffff0a000001 0050"],
    ["[fe80::]:80", "04 fe800000000000000000000000000000 0050"],
  ];
  for (const [target, address] of targets) {
    test(`socksProxy encodes the target ${target} by its address type`, async () => {
      await using proxy = await scripted("0500", yes);
      (await via(proxy)(target)).destroy();
      assert.deepEqual(proxy.messages, ["050100", `050100${address.replaceAll(" ", "")}`]);
    });
  }

  test("socksProxy sends credentials when the proxy asks for them", async () => {
    await using proxy = await scripted("0502", "0100", yes);
    (await via(proxy, { auth })("10.0.0.1:1")).destroy();
    const [user, password] = [Buffer.from(auth.username), Buffer.from(auth.password)];
    assert.deepEqual(proxy.messages.slice(0, 2), [
      "05020002",
      `0107${user.toString("hex")}0a${password.toString("hex")}`,
    ]);
  });

  test("socksProxy sends the credentials given at construction, even if the caller's object changes", async () => {
    await using proxy = await scripted("0502", "0100", yes);
    const own = { username: "u", password: "p" };
    const dial = via(proxy, { auth: own });
    own.username = "x".repeat(300);
    (await dial("10.0.0.1:1")).destroy();
    assert.equal(proxy.messages[1], "0101750170");
  });

  test("socksProxy does not send credentials when the proxy does not ask for them", async () => {
    await using proxy = await scripted("0500", yes);
    (await via(proxy, { auth })("10.0.0.1:1")).destroy();
    assert.equal(proxy.messages[0], "05020002");
    assert.equal(proxy.messages.length, 2);
  });
});

describe("the target's name", () => {
  const lookup = (asked: unknown[]): SocksProxyOptions["lookup"] => {
    return (host, { family }, done) => {
      asked.push([host, family]);
      setImmediate(done, null, [{ address: family === 4 ? "10.0.0.1" : "2001:db8::1", family }]);
    };
  };

  test("socksProxy sends the target's name to the proxy with socks5h", async () => {
    const asked: unknown[] = [];
    await using proxy = await scripted("0500", yes);
    (await via(proxy, { lookup: lookup(asked) })("db.test:1")).destroy();
    assert.deepEqual(asked, []);
    assert.match(proxy.messages[1] ?? "", /^05010003/);
  });

  test("socksProxy resolves the target's name with socks5, calls the DNS hooks and prefers IPv4", async () => {
    const asked: unknown[] = [];
    const events: string[] = [];
    await using proxy = await scripted("0500", yes);
    const dial = via(proxy, { proxy: `socks5://${proxy.address}`, lookup: lookup(asked) });
    (await dial("db.test:1", { trace: record(events, ["dnsStart", "dnsDone", "connectDone"]) })).destroy();
    assert.equal(asked.length, 2);
    assert.equal(proxy.messages[1], "050100010a0000010001");
    assert.deepEqual(events, ["connectDone success", "dnsStart", "dnsDone success"]);
  });

  test("socksProxy fails with dns_not_found when socks5 cannot resolve the name", async () => {
    await using proxy = await scripted("0500", yes);
    const nowhere: SocksProxyOptions["lookup"] = (_host, _options, done) =>
      done(Object.assign(new Error("no such name"), { code: "ENOTFOUND" }), []);
    const dial = via(proxy, { proxy: `socks5://${proxy.address}`, lookup: nowhere });
    await assert.rejects(dial("db.test:1"), { reason: "dns_not_found", code: "ENOTFOUND" });
    await until(() => proxy.open.size === 0, "the proxy sees it closed");
  });

  test("socksProxy ends a lookup without an answer when the phase times out", async () => {
    await using proxy = await goodPeer();
    const clock = fakeClock();
    const events: string[] = [];
    const dial = via(proxy, { proxy: `socks5://${proxy.address}`, lookup: () => {}, timeoutMs: 500 });
    const dialing = dial("db.test:1", {
      clock,
      trace: record(events, ["dnsStart", "dnsDone", "proxyDone", "timeout"]),
    });
    const failed = assert.rejects(dialing, { reason: "timeout", scope: "phase" });
    await until(() => events.length === 1, "the lookup has started");
    await clock.advance(500);
    await failed;
    assert.deepEqual(events, ["dnsStart", "timeout", "dnsDone failure", "proxyDone failure"]);
    assert.equal(clock.pending, 0);
  });
});

test("socksProxy keeps bytes after the reply wherever the packets are split", async () => {
  const answers = Buffer.concat([Buffer.from(`0500${yes}`, "hex"), Buffer.from("INFO {}\r\n")]);
  for (let cut = 1; cut < answers.length; cut += 1) {
    await using proxy = await peer((socket) => {
      socket.setNoDelay();
      socket.once("data", () => {
        socket.write(answers.subarray(0, cut));
        setTimeout(() => socket.write(answers.subarray(cut)), 2);
      });
    });
    const conn = await via(proxy)("db.test:4222");
    assert.equal(await readText(conn, 9), "INFO {}\r\n", `cut at ${cut}`);
    conn.destroy();
  }
});

describe("failed answers", () => {
  const answers: readonly (readonly [string, readonly string[], Reason, RegExp])[] = [
    ["the answer that no method is acceptable", ["05ff"], "proxy_auth", /refused the credentials/],
    ["a request for credentials that were not given", ["0502"], "proxy_auth", /refused the credentials/],
    ["a method that was not offered", ["0501"], "proxy_auth", /refused the credentials/],
    ["an answer of another version", ["0400"], "proxy_rejected", /its answer is not SOCKS5/],
    ["an HTTP answer", [Buffer.from("HTTP/1.1 400 Bad Request\r\n").toString("hex")], "proxy_rejected", /SOCKS5/],
    [
      "an answer of another version to the request",
      ["0500", "0400000100000000"],
      "proxy_rejected",
      /its answer is not SOCKS5/,
    ],
    ["a general failure", ["0500", "05010001000000000000"], "proxy_rejected", /general failure/],
    ["a refusal by a rule", ["0500", "05020001000000000000"], "proxy_rejected", /not allowed/],
    ["a refused connection", ["0500", "05050001000000000000"], "proxy_rejected", /connection refused/],
    ["an unknown reply code", ["0500", "05630001000000000000"], "proxy_rejected", /code 99/],
    ["a truncated refusal", ["0500", "0504"], "proxy_rejected", /host unreachable/],
    ["a close", ["0500"], "proxy_rejected", /closed the connection/],
    ["an immediate close", [], "proxy_rejected", /closed the connection/],
  ];
  for (const [what, script, reason, message] of answers) {
    test(`socksProxy fails with ${reason} after ${what}`, async () => {
      await using proxy = await scripted(...script);
      await assert.rejects(via(proxy)("db.test:5432"), (error: DialError) => {
        assert.ok(error instanceof DialError);
        assert.equal(error.reason, reason);
        assert.match(error.message, message);
        assert.equal(error.target, "db.test:5432");
        return true;
      });
      await until(() => proxy.open.size === 0, "the proxy sees it closed");
    });
  }

  test("socksProxy fails with proxy_auth after refused credentials, without showing them", async () => {
    await using proxy = await scripted("0502", "0101");
    const error = await via(proxy, { auth })("db.test:1").catch((error: unknown) => error);
    assert.equal((error as DialError).reason, "proxy_auth");
    showsNothing(error);
  });
});

describe("through a real proxy", () => {
  test("socksProxy connects through a real proxy with credentials; spans report proxy and target", async () => {
    await using server = await peer((socket) => socket.write("INFO {}\r\n"));
    const plain = { username: "Qx1user", password: "Qx2password" };
    await using proxy = await startMicrosocks(plain);
    const recorder = spanRecorder();
    const url = `socks5h://Qx1user:Qx2password@${proxy.address}`;
    const dial = compose(withTracing({ tracerProvider: sdk2.provider(recorder) }), socksProxy({ proxy: url }));
    const conn = await dial(server.address);
    assert.equal(await readText(conn, 9), "INFO {}\r\n");
    conn.destroy();
    assert.equal(
      spanTree(recorder.started.slice(-1), { [proxy.port]: "PROXY" }),
      "proxy connect dialer.proxy.type=socks5 network.peer.address=127.0.0.1 network.peer.port=PROXY",
    );
    for (const given of [undefined, { ...plain, password: "Qx3wrong" }]) {
      const error = await via(proxy, { auth: given })(server.address).catch((error: unknown) => error);
      assert.equal((error as DialError).reason, "proxy_auth");
      showsNothing(error);
    }
  });

  for (const scheme of ["socks5h", "socks5"]) {
    test(`socksProxy reaches a name with ${scheme}, and TLS checks the certificate against it`, async () => {
      const ca = authority();
      await using proxy = await startMicrosocks();
      await using server = await tlsPeer(ca.issue({ name: "localhost" }), (socket) => socket.write("hi"));
      const tunnel = socksProxy({ proxy: `${scheme}://${proxy.address}` });
      const conn = await compose(tls({ ca: ca.cert }, tunnel))(`localhost:${server.port}`);
      assert.equal(await readText(conn, 2), "hi");
      conn.destroy();
      await assert.rejects(compose(tls({ ca: ca.cert }, tunnel))(`127.0.0.1:${server.port}`), {
        reason: "tls_hostname",
      });
    });
  }

  test("socksProxy fails with proxy_rejected when the target is not listening", async () => {
    await using proxy = await startMicrosocks();
    const dialing = via(proxy)(`127.0.0.1:${await freePort()}`);
    await assert.rejects(dialing, { reason: "proxy_rejected", message: /connection refused/ });
  });
});

describe("options", () => {
  const proxy = "socks5h://p";
  const wrong: readonly (readonly [string, SocksProxyOptions, RegExp])[] = [
    [
      "a socks4 proxy",
      { proxy: "socks4://u:Qx1@p" },
      /^TypeError: .*socks5h:\/\/ or socks5:\/\/, got "socks4:\/\/\*\*\*@p"/,
    ],
    ["an unknown option", { proxy, headers: {} } as never, /^TypeError: socksProxy: unknown option headers/],
    [
      "a username without a password",
      { proxy, auth: { username: "Qx1" } as never },
      /^TypeError: socksProxy: auth must be/,
    ],
    [
      "an empty username",
      { proxy, auth: { username: "", password: "Qx1" } },
      /^RangeError: socksProxy: auth: username/,
    ],
    [
      "a password that is too long",
      { proxy, auth: { username: "u", password: "Qx1".repeat(100) } },
      /^RangeError: socksProxy: auth: password must have 0 to 255 bytes/,
    ],
    [
      "a username that is too long in UTF-8",
      { proxy, auth: { username: "ü".repeat(128), password: "Qx1" } },
      /^RangeError: socksProxy: auth: username must have 1 to 255 bytes/,
    ],
    [
      "a percent-encoded password that is too long in UTF-8",
      { proxy: `socks5h://u:${"%C3%BC".repeat(128)}@p` },
      /^RangeError: socksProxy: auth: password must have 0 to 255 bytes/,
    ],
    ["a lookup that is not a function", { proxy, lookup: 1 as never }, /^TypeError: socksProxy: lookup/],
    ["a timeout of 0", { proxy, timeoutMs: 0 }, /^RangeError: socksProxy: timeoutMs/],
  ];
  for (const [what, options, message] of wrong) {
    test(`socksProxy refuses ${what} at construction, without showing a secret`, () => {
      assert.throws(
        () => socksProxy(options),
        (error: Error) => {
          assert.match(String(error), message);
          showsNothing(error);
          return true;
        },
      );
    });
  }
});

/** Fails when `text` contains any of the credentials. */
function showsNothing(seen: unknown): void {
  const text = inspect(seen, { depth: Number.POSITIVE_INFINITY, showHidden: true });
  assert.doesNotMatch(text, /Qx\d/);
}
