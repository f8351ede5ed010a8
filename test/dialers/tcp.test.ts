import assert from "node:assert/strict";
import { getEventListeners, once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { type Address, compose, type DialError, type DialTrace, type TcpOptions, tcp } from "../../src/index.ts";
import { fakeClock } from "../../src/testing.ts";
import { record, turns } from "../support/contract.ts";
import { freePort, goodPeer, peer } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

type Lookup = NonNullable<TcpOptions["lookup"]>;
type Answer = { address: string; family: number };

/** A lookup that answers what it is told, and remembers what it was asked. */
function answering(answers: readonly Answer[], asked: unknown[] = []): Lookup {
  return (host, options, callback) => {
    asked.push([host, options]);
    setImmediate(callback, null, [...answers]);
  };
}
const v4 = (address: string): Answer => ({ address, family: 4 });

const folder = mkdtempSync(join(tmpdir(), "dialtrace-"));
after(() => rmSync(folder, { recursive: true }));

test("a connection is made, and nothing is done to it", async () => {
  await using server = await goodPeer();
  const conn = await compose(tcp())(server.address);
  assert.equal(conn.remotePort, server.port);
  assert.equal(conn.readyState, "open");
  assert.equal(conn.readableFlowing, null);
  assert.equal(conn.listenerCount("connect"), 0);
  assert.equal(conn.listenerCount("error"), 0);
  conn.destroy();
});

test("what the server says first is there to be read, even when its reader comes late", async () => {
  await using server = await peer((socket) => socket.write("INFO {}\r\n"));
  const conn = await compose(tcp())(server.address);
  await until(() => conn.bytesRead > 0, "the greeting has come");
  await turns();
  assert.equal(conn.readableFlowing, null);
  const [greeting] = await once(conn, "data");
  assert.equal(String(greeting), "INFO {}\r\n");
  conn.destroy();
});

describe("a refused dial", () => {
  const cases: readonly (readonly [string, () => Promise<string> | string, string, RegExp])[] = [
    ["of a port", async () => `127.0.0.1:${await freePort()}`, "ECONNREFUSED", /: connect ECONNREFUSED 127/],
    ["of a unix socket that is not there", () => `unix:${join(folder, "none.sock")}`, "ENOENT", /: connect ENOENT/],
    [
      "of a path that is no socket",
      () => {
        writeFileSync(join(folder, "file"), "");
        return `unix:${join(folder, "file")}`;
      },
      "ECONNREFUSED",
      /: connect ECONNREFUSED/,
    ],
  ];
  for (const [what, target, code, message] of cases) {
    test(`${what} says so, with the system's code and error`, async () => {
      const text = await target();
      await assert.rejects(compose(tcp())(text), (error: DialError) => {
        assert.equal(error.reason, "refused");
        assert.equal(error.code, code);
        assert.equal(error.target, text);
        assert.match(error.message, message);
        assert.equal((error.cause as NodeJS.ErrnoException).syscall, "connect");
        return true;
      });
    });
  }

  test("of a unix socket whose path is too long leaves no start without a done", async () => {
    const events: string[] = [];
    await assert.rejects(compose(tcp())({ path: `/${"x".repeat(200)}` }, { trace: record(events) }));
    assert.deepEqual(events, [
      "dialStart",
      "attemptStart",
      "connectStart",
      "connectDone failure",
      "attemptDone failure",
      "dialDone failure",
    ]);
  });
});

test("a unix socket is dialed by its path, as an address of its own kind", async () => {
  const path = join(folder, "x.sock");
  const server = createServer((socket) => socket.end("hello"));
  server.listen(path);
  await once(server, "listening");
  const addresses: Address[] = [];
  const events: string[] = [];
  const trace: DialTrace = { ...record(events), connectStart: ({ address }) => addresses.push(address) };
  const conn = await compose(tcp())({ path }, { trace });
  const [data] = await once(conn, "data");
  assert.equal(String(data), "hello");
  assert.deepEqual(addresses, [{ address: path, port: 0, family: "unix" }]);
  assert.ok(!events.includes("dnsStart"));
  conn.destroy();
  server.close();
});

describe("a name", () => {
  test("is looked up, all its addresses at once, in the order of the lookup", async () => {
    await using server = await goodPeer();
    const asked: unknown[] = [];
    const dial = compose(tcp({ lookup: answering([v4("127.0.0.1")], asked) }));
    const conn = await dial(`db.internal:${server.port}`);
    assert.deepEqual(asked, [["db.internal", { all: true, family: 0, order: "verbatim" }]]);
    conn.destroy();
  });

  for (const family of [4, 6] as const) {
    test(`is looked up for IPv${family} alone when asked to`, async () => {
      const asked: unknown[] = [];
      await assert.rejects(compose(tcp({ family, lookup: answering([], asked) }))("h:1"));
      assert.deepEqual(asked, [["h", { all: true, family, order: "verbatim" }]]);
    });
  }

  test("that is an IP address is not looked up", async () => {
    await using server = await goodPeer();
    const asked: unknown[] = [];
    const events: string[] = [];
    const dial = compose(tcp({ lookup: answering([], asked) }));
    const conn = await dial(server.address, { trace: record(events) });
    assert.deepEqual(asked, []);
    assert.ok(!events.includes("dnsStart"));
    conn.destroy();
  });

  test("is looked up by the system when nothing else is said", async () => {
    await using server = await goodPeer();
    const conn = await compose(tcp({ family: 4 }))(`localhost:${server.port}`);
    assert.equal(conn.remoteAddress, "127.0.0.1");
    conn.destroy();
  });

  test("has its addresses tried one after the other until one connects", async () => {
    await using server = await goodPeer();
    const told: string[] = [];
    const trace: DialTrace = {
      connectStart: ({ address }) => told.push(`start ${address.address}`),
      connectDone: ({ address, outcome, reason }) =>
        told.push(`done ${address.address} ${outcome} ${reason ?? ""}`.trim()),
    };
    const addresses = ["127.0.0.2", "127.0.0.3", "127.0.0.1", "127.0.0.4"].map(v4);
    const conn = await compose(tcp({ lookup: answering(addresses) }))(`h:${server.port}`, { trace });
    assert.equal(conn.remoteAddress, "127.0.0.1");
    assert.deepEqual(told, [
      "start 127.0.0.2",
      "done 127.0.0.2 failure refused",
      "start 127.0.0.3",
      "done 127.0.0.3 failure refused",
      "start 127.0.0.1",
      "done 127.0.0.1 success",
    ]);
    conn.destroy();
  });

  test("whose addresses all fail has every error, the deciding one's code and a message", async () => {
    const port = await freePort();
    const lookup = answering(["127.0.0.2", "127.0.0.3"].map(v4));
    await assert.rejects(compose(tcp({ lookup }))(`h:${port}`), (error: DialError) => {
      const cause = error.cause as AggregateError & { code: string };
      assert.ok(cause instanceof AggregateError);
      assert.deepEqual(
        cause.errors.map((each) => each.address),
        ["127.0.0.2", "127.0.0.3"],
      );
      assert.equal(error.code, "ECONNREFUSED");
      assert.equal(error.reason, "refused");
      assert.equal(
        error.message,
        `dial h:${port}: 2 addresses failed, the last with: connect ECONNREFUSED 127.0.0.3:${port}`,
      );
      return true;
    });
  });
});

describe("a lookup", () => {
  const notFound = Object.assign(new Error("getaddrinfo ENOTFOUND h"), { code: "ENOTFOUND", syscall: "getaddrinfo" });
  const again = Object.assign(new Error("getaddrinfo EAI_AGAIN h"), { code: "EAI_AGAIN", syscall: "getaddrinfo" });
  const failures: readonly (readonly [string, Lookup, string, string])[] = [
    ["that fails", (_host, _options, callback) => setImmediate(callback, notFound, []), "dns_not_found", "ENOTFOUND"],
    [
      "that fails for now",
      (_host, _options, callback) => setImmediate(callback, again, []),
      "dns_temporary",
      "EAI_AGAIN",
    ],
    [
      "that fails before it returns",
      (_host, _options, callback) => callback(notFound, []),
      "dns_not_found",
      "ENOTFOUND",
    ],
    [
      "that throws",
      () => {
        throw notFound;
      },
      "dns_not_found",
      "ENOTFOUND",
    ],
    ["that finds nothing", answering([]), "dns_not_found", "ENOTFOUND"],
    [
      "that answers something else",
      (_host, _options, callback) => (callback as (...anything: unknown[]) => void)(null, "127.0.0.1", 4),
      "dns_not_found",
      "ENOTFOUND",
    ],
  ];
  for (const [what, lookup, reason, code] of failures) {
    test(`${what} fails the dial with ${reason}`, async () => {
      const events: string[] = [];
      await assert.rejects(compose(tcp({ lookup }))("h:1", { trace: record(events) }), { reason, code });
      assert.deepEqual(events.slice(1, -1), ["attemptStart", "dnsStart", "dnsDone failure", "attemptDone failure"]);
    });
  }

  test("that answers before it returns is as good as any", async () => {
    await using server = await goodPeer();
    const lookup: Lookup = (_host, _options, callback) => callback(null, [v4("127.0.0.1")]);
    (await compose(tcp({ lookup }))(`h:${server.port}`)).destroy();
  });

  test("that answers twice is heard once", async () => {
    await using server = await goodPeer();
    const events: string[] = [];
    const lookup: Lookup = (_host, _options, callback) => {
      callback(null, [v4("127.0.0.1")]);
      callback(notFound, []);
      setImmediate(callback, null, [v4("127.0.0.1")]);
    };
    (await compose(tcp({ lookup }))(`h:${server.port}`, { trace: record(events, ["dnsDone"]) })).destroy();
    await turns();
    assert.deepEqual(events, ["dnsDone success"]);
  });

  test("that never answers is given up on abort, and its late answer is not heard", async () => {
    const controller = new AbortController();
    const events: string[] = [];
    let answer: () => void = () => {};
    const lookup: Lookup = (_host, _options, callback) => {
      answer = () => callback(null, [v4("127.0.0.1")]);
    };
    const dialing = compose(tcp({ lookup }))("h:1", { signal: controller.signal, trace: record(events) });
    await turns();
    controller.abort("enough");
    await assert.rejects(dialing, (error) => error === "enough");
    answer();
    await turns();
    assert.deepEqual(events, [
      "dialStart",
      "attemptStart",
      "dnsStart",
      "dnsDone canceled",
      "attemptDone canceled",
      "dialDone canceled",
    ]);
    assert.equal(getEventListeners(controller.signal, "abort").length, 0);
  });
});

describe("an abort", () => {
  test("in the middle of connecting leaves nothing", async () => {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const controller = new AbortController();
    const events: string[] = [];
    const dialing = compose(tcp())(`127.0.0.1:${port}`, { signal: controller.signal, trace: record(events) });
    controller.abort("enough");
    await assert.rejects(dialing, (error) => error === "enough");
    assert.deepEqual(events, [
      "dialStart",
      "attemptStart",
      "connectStart",
      "connectDone canceled",
      "attemptDone canceled",
      "dialDone canceled",
    ]);
    assert.equal(getEventListeners(controller.signal, "abort").length, 0);
    await until(() => openSockets() === 0, "no socket is left");
    server.close();
  });

  test("keeps the next address from being tried", async () => {
    const controller = new AbortController();
    const tried: string[] = [];
    const trace: DialTrace = {
      connectStart: ({ address }) => tried.push(address.address),
      connectDone: () => controller.abort("enough"),
    };
    const lookup = answering(["127.0.0.2", "127.0.0.3"].map(v4));
    const dialing = compose(tcp({ lookup }))(`h:${await freePort()}`, { signal: controller.signal, trace });
    await assert.rejects(dialing, (error) => error === "enough");
    assert.deepEqual(tried, ["127.0.0.2"]);
  });

  test("from before makes no lookup and no socket, even without compose", async () => {
    const asked: unknown[] = [];
    const dial = tcp({ lookup: answering([v4("127.0.0.1")], asked) });
    await assert.rejects(dial("h:1", { signal: AbortSignal.abort("before") }), (error) => error === "before");
    assert.deepEqual(asked, []);
  });

  test("after the dial does not touch the connection", async () => {
    await using server = await goodPeer();
    const controller = new AbortController();
    const conn = await compose(tcp())(server.address, { signal: controller.signal });
    controller.abort();
    await turns();
    assert.equal(conn.destroyed, false);
    conn.destroy();
  });
});

test("start and done of an address have the same object; times are the clock's; the socket is told on success", async () => {
  await using server = await goodPeer();
  const clock = fakeClock();
  const started: Address[] = [];
  const done: { address: Address; durationMs: number; socket?: Socket | undefined }[] = [];
  const dns: unknown[] = [];
  const lookup: Lookup = (_host, _options, callback) => {
    clock.setTimeout(() => callback(null, ["127.0.0.2", "127.0.0.1"].map(v4)), 30);
  };
  const dialing = compose(tcp({ lookup }))(`h:${server.port}`, {
    clock,
    trace: {
      dnsStart: ({ host }) => dns.push(host),
      dnsDone: ({ host, addresses, durationMs, outcome }) => dns.push({ host, addresses, durationMs, outcome }),
      connectStart: ({ address }) => started.push(address),
      connectDone: (info) => done.push(info),
    },
  });
  await clock.advance(30);
  const conn = await dialing;
  const addresses = ["127.0.0.2", "127.0.0.1"].map((address) => ({ address, port: server.port, family: "ipv4" }));
  assert.deepEqual(dns, ["h", { host: "h", addresses, durationMs: 30, outcome: "success" }]);
  assert.deepEqual(started, addresses);
  assert.equal(done.length, 2);
  for (const [index, { address }] of done.entries()) assert.equal(address, started[index]);
  assert.equal(done[0]?.socket, undefined);
  assert.equal(done[1]?.socket, conn);
  conn.destroy();
});

test("an address of IPv6 is told as such", async () => {
  const families: string[] = [];
  const lookup = answering([{ address: "::1", family: 6 }, v4("127.0.0.1")]);
  const trace: DialTrace = { connectStart: ({ address }) => families.push(address.family) };
  await assert.rejects(compose(tcp({ lookup }))(`h:${await freePort()}`, { trace }));
  await assert.rejects(compose(tcp())(`[::1]:${await freePort()}`, { trace }));
  assert.deepEqual(families, ["ipv6", "ipv4", "ipv6"]);
});

test("used without compose it is a dialer all the same", async () => {
  await using server = await goodPeer();
  const conn = await tcp()(server.address);
  assert.equal(conn.remotePort, server.port);
  conn.destroy();
});

test("noDelay and keepAlive reach the system, as they are or switched off", async () => {
  await using server = await goodPeer();
  const seen: unknown[] = [];
  for (const options of [{}, { noDelay: false, keepAlive: false }]) {
    const conn = await tcp(options)(server.address);
    // Node remembers what it has told the system under symbols of these names.
    const told = Object.getOwnPropertySymbols(conn).filter(({ description }) =>
      /^kSet(NoDelay|KeepAlive)$/.test(description ?? ""),
    );
    seen.push(Object.fromEntries(told.map((symbol) => [symbol.description, Boolean((conn as never)[symbol])])));
    conn.destroy();
  }
  assert.deepEqual(seen, [
    { kSetNoDelay: true, kSetKeepAlive: true },
    { kSetNoDelay: false, kSetKeepAlive: false },
  ]);
});

describe("refuses at construction", () => {
  const rows: readonly (readonly [object | null, string, string])[] = [
    [{ family: 5 }, "RangeError", "tcp: family must be 0, 4 or 6, got 5"],
    [{ family: "4" }, "RangeError", 'tcp: family must be 0, 4 or 6, got "4"'],
    [{ lookup: {} }, "TypeError", "tcp: lookup must be a function, got an object"],
    [{ nodelay: true }, "TypeError", "tcp: unknown option nodelay; the options are noDelay, keepAlive, family, lookup"],
    [{ noDelay: "yes" }, "TypeError", 'tcp: noDelay must be true or false, got "yes"'],
    [{ keepAlive: 1 }, "TypeError", "tcp: keepAlive must be true or false, got 1"],
    [null, "TypeError", "tcp: options must be an object, got null"],
  ];
  for (const [options, name, message] of rows) {
    test(message, () => assert.throws(() => tcp(options as never), { name, message }));
  }
});
