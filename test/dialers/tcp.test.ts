import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { getEventListeners, once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { inspect, promisify } from "node:util";
import {
  type Address,
  compose,
  type DialError,
  DialTimeoutError,
  type DialTrace,
  parseTarget,
  type TcpOptions,
  tcp,
} from "../../src/index.ts";
import { fakeClock } from "../../src/testing.ts";
import { record, turns } from "../support/contract.ts";
import { blackHole, type Hole } from "../support/full-backlog.ts";
import { freePort, goodPeer, peer } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";
import { temporaryFolder } from "../support/temporary.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

type Lookup = NonNullable<TcpOptions["lookup"]>;
type Answer = { address: string; family: number };

/** A lookup that gives the same answer for both IP versions and records its calls. */
function answering(answers: readonly Answer[], asked: unknown[] = []): Lookup {
  return (host, options, callback) => {
    asked.push([host, options]);
    setImmediate(callback, null, answers);
  };
}
const v4 = (address: string): Answer => ({ address, family: 4 });

const folder = temporaryFolder();

test("tcp connects and leaves the socket untouched", async () => {
  await using server = await goodPeer();
  const conn = await compose(tcp())(server.address);
  assert.equal(conn.remotePort, server.port);
  assert.equal(conn.readyState, "open");
  assert.equal(conn.readableFlowing, null);
  assert.equal(conn.listenerCount("connect"), 0);
  assert.equal(conn.listenerCount("error"), 0);
  conn.destroy();
});

test("tcp keeps the first bytes of the server until they are read", async () => {
  await using server = await peer((socket) => socket.write("INFO {}\r\n"));
  const conn = await compose(tcp())(server.address);
  await until(() => conn.bytesRead > 0, "the greeting has arrived");
  await turns();
  assert.equal(conn.readableFlowing, null);
  const [greeting] = await once(conn, "data");
  assert.equal(String(greeting), "INFO {}\r\n");
  conn.destroy();
});

describe("a refused dial", () => {
  const cases: readonly (readonly [string, () => Promise<string> | string, string, RegExp])[] = [
    ["of a port", async () => `127.0.0.1:${await freePort()}`, "ECONNREFUSED", /: connect ECONNREFUSED 127/],
    ["of a missing unix socket", () => `unix:${join(folder, "none.sock")}`, "ENOENT", /: connect ENOENT/],
    [
      "of a path that is not a socket",
      () => {
        writeFileSync(join(folder, "file"), "");
        return `unix:${join(folder, "file")}`;
      },
      "ECONNREFUSED",
      /: connect ECONNREFUSED/,
    ],
  ];
  for (const [what, target, code, message] of cases) {
    test(`a refused dial ${what} rejects with the system's code and error`, async () => {
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

  test("a dial of a unix path that is too long calls connectDone for each connectStart", async () => {
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

test("tcp dials a unix socket as an address of the family unix", async () => {
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

describe("names", () => {
  test("tcp looks up each IP version separately and keeps the order of the addresses", async () => {
    await using server = await goodPeer();
    const asked: unknown[] = [];
    const dial = compose(tcp({ lookup: answering([v4("127.0.0.1")], asked) }));
    const conn = await dial(`db.internal:${server.port}`);
    assert.deepEqual(asked, [
      ["db.internal", { all: true, family: 6, order: "verbatim" }],
      ["db.internal", { all: true, family: 4, order: "verbatim" }],
    ]);
    conn.destroy();
  });

  for (const family of [4, 6] as const) {
    test(`tcp looks up only IPv${family} with family ${family}`, async () => {
      const asked: unknown[] = [];
      await assert.rejects(compose(tcp({ family, lookup: answering([], asked) }))("h:1"));
      assert.deepEqual(asked, [["h", { all: true, family, order: "verbatim" }]]);
    });
  }

  test("tcp does not look up an IP address", async () => {
    await using server = await goodPeer();
    const asked: unknown[] = [];
    const events: string[] = [];
    const dial = compose(tcp({ lookup: answering([], asked) }));
    const conn = await dial(server.address, { trace: record(events) });
    assert.deepEqual(asked, []);
    assert.ok(!events.includes("dnsStart"));
    conn.destroy();
  });

  test("tcp uses the system's lookup by default", async () => {
    await using server = await goodPeer();
    const conn = await compose(tcp({ family: 4 }))(`localhost:${server.port}`);
    assert.equal(conn.remoteAddress, "127.0.0.1");
    conn.destroy();
  });

  test("tcp connects to the addresses of a name until one succeeds", async () => {
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

  test("tcp rejects with every error and the deciding code when all addresses fail", async () => {
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
        `dial h:${port}: all 2 addresses failed: connect ECONNREFUSED 127.0.0.2:${port}; connect ECONNREFUSED 127.0.0.3:${port}`,
      );
      return true;
    });
  });
});

describe("lookups", () => {
  const notFound = Object.assign(new Error("getaddrinfo ENOTFOUND h"), { code: "ENOTFOUND", syscall: "getaddrinfo" });
  const again = Object.assign(new Error("getaddrinfo EAI_AGAIN h"), { code: "EAI_AGAIN", syscall: "getaddrinfo" });
  const failures: readonly (readonly [string, Lookup, string, string])[] = [
    ["that fails", (_host, _options, callback) => setImmediate(callback, notFound, []), "dns_not_found", "ENOTFOUND"],
    [
      "that fails temporarily",
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
      "that answers with anything but addresses",
      (_host, _options, callback) => (callback as (...anything: unknown[]) => void)(null, "127.0.0.1", 4),
      "dns_not_found",
      "ENOTFOUND",
    ],
  ];
  for (const [what, lookup, reason, code] of failures) {
    test(`tcp fails the dial with ${reason} for a lookup ${what}`, async () => {
      const events: string[] = [];
      await assert.rejects(compose(tcp({ lookup }))("h:1", { trace: record(events) }), { reason, code });
      assert.deepEqual(events.slice(1, -1), ["attemptStart", "dnsStart", "dnsDone failure", "attemptDone failure"]);
    });
  }

  test("a lookup may answer before it returns", async () => {
    await using server = await goodPeer();
    const lookup: Lookup = (_host, _options, callback) => callback(null, [v4("127.0.0.1")]);
    (await compose(tcp({ lookup }))(`h:${server.port}`)).destroy();
  });

  test("the second answer of a lookup is ignored", async () => {
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

  test("an abort ends a pending lookup, and its late answer is ignored", async () => {
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

describe("aborts", () => {
  test("an abort during the connect leaves no socket", async () => {
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

  test("an abort right after an immediate failure does not cause an unhandled error", async () => {
    const controller = new AbortController();
    const dialing = compose(tcp())({ path: `/${"x".repeat(200)}` }, { signal: controller.signal });
    controller.abort("enough");
    await assert.rejects(dialing, (error) => error === "enough");
    // An error without a listener would end the process here.
    await turns();
  });

  test("an abort from dnsStart starts no connect", async () => {
    const controller = new AbortController();
    const events: string[] = [];
    const trace: DialTrace = { ...record(events, ["connectStart"]), dnsStart: () => controller.abort("enough") };
    const lookup: Lookup = (_host, _options, callback) => callback(null, [v4("127.0.0.1")]);
    await assert.rejects(tcp({ lookup })("h:1", { signal: controller.signal, trace }), (error) => error === "enough");
    await turns();
    assert.deepEqual(events, []);
  });

  test("an abort prevents the connect to the next address", async () => {
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

  test("an already aborted dial starts no lookup and no socket, even without compose", async () => {
    const asked: unknown[] = [];
    const dial = tcp({ lookup: answering([v4("127.0.0.1")], asked) });
    await assert.rejects(dial("h:1", { signal: AbortSignal.abort("before") }), (error) => error === "before");
    assert.deepEqual(asked, []);
  });

  test("an abort after the dial does not affect the connection", async () => {
    await using server = await goodPeer();
    const controller = new AbortController();
    const conn = await compose(tcp())(server.address, { signal: controller.signal });
    controller.abort();
    await turns();
    assert.equal(conn.destroyed, false);
    conn.destroy();
  });
});

test("connectStart and connectDone share the address object, use the clock, and report the socket on success", async () => {
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

test("tcp reports the family of an IPv6 address", async () => {
  const families: string[] = [];
  const lookup = answering([{ address: "::1", family: 6 }, v4("127.0.0.1")]);
  const trace: DialTrace = { connectStart: ({ address }) => families.push(address.family) };
  await assert.rejects(compose(tcp({ lookup }))(`h:${await freePort()}`, { trace }));
  await assert.rejects(compose(tcp())(`[::1]:${await freePort()}`, { trace }));
  assert.deepEqual(families, ["ipv6", "ipv4", "ipv6"]);
});

test("tcp() is a dialer without compose", async () => {
  await using server = await goodPeer();
  const conn = await tcp()(server.address);
  assert.equal(conn.remotePort, server.port);
  conn.destroy();
});

test("tcp passes noDelay and keepAlive to the system, on or off", async () => {
  await using server = await goodPeer();
  const seen: unknown[] = [];
  for (const options of [{}, { noDelay: false, keepAlive: false }]) {
    const conn = await tcp(options)(server.address);
    // Node stores the options it has passed to the system under symbols with these names.
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

test("tcp enables keep-alive with a first probe after 15 s", {
  skip: existsSync("/proc/net/tcp") ? false : "needs Linux: /proc/net/tcp",
}, async () => {
  await using server = await goodPeer();
  const conn = await tcp()(server.address);
  const off = await tcp({ keepAlive: false })(server.address);
  const inHex = (port = 0) => `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const lines = readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  const [on, none] = [conn, off].map(({ localPort, remotePort }) => {
    const line = lines.find(([, local, remote]) => local === inHex(localPort) && remote === inHex(remotePort));
    // Kind 2 is the keep-alive timer, in hundredths of a second.
    const [kind, due = ""] = line?.[5]?.split(":") ?? [];
    return { kind, seconds: Number.parseInt(due, 16) / 100 };
  });
  assert.deepEqual(none, { kind: "00", seconds: 0 });
  assert.equal(on?.kind, "02");
  // The time that is left: the process may have been kept from running since the connect.
  const left = Number(on?.seconds);
  assert.ok(left > 5 && left <= 15.1, `${left} s`);
  conn.destroy();
  off.destroy();
});

describe("localAddress", () => {
  test("tcp connects from localAddress and localPort", async () => {
    await using server = await goodPeer();
    const localPort = await freePort();
    const conn = await tcp({ localAddress: "127.0.0.9", localPort })(server.address);
    assert.deepEqual([conn.localAddress, conn.localPort], ["127.0.0.9", localPort]);
    conn.resetAndDestroy();
  });

  test("localAddress restricts a name to its IP version", async () => {
    await using server = await goodPeer();
    const asked: unknown[] = [];
    const lookup = answering([{ address: "::1", family: 6 }, v4("127.0.0.1")], asked);
    const conn = await tcp({ localAddress: "127.0.0.9", lookup })(`h:${server.port}`);
    assert.equal(conn.localAddress, "127.0.0.9");
    assert.deepEqual(asked, [["h", { all: true, family: 4, order: "verbatim" }]]);
    conn.destroy();
  });

  test("a localAddress that this host does not have fails with local_resource", async () => {
    await assert.rejects(compose(tcp({ localAddress: "192.0.2.1" }))("127.0.0.1:1"), {
      reason: "local_resource",
      code: "EADDRNOTAVAIL",
    });
  });

  test("a localAddress of another IP version than the target fails the connect, with both hooks", async () => {
    const events: string[] = [];
    const trace = record(events, ["connectStart", "connectDone"]);
    await assert.rejects(compose(tcp({ localAddress: "127.0.0.1" }))("[::1]:1", { trace }), { code: "EINVAL" });
    assert.deepEqual(events, ["connectStart", "connectDone failure"]);
  });
});

test("an unref'd connection lets the process exit, but not while it is being dialed", async () => {
  await using server = await goodPeer();
  const program = `
    import { tcp } from ${JSON.stringify(new URL("../../src/index.ts", import.meta.url).href)};
    const lookup = (_host, { family }, answer) => setTimeout(answer, 20, null, [{ address: "127.0.0.1", family }]);
    const conn = await tcp({ unref: true, lookup })("h:${server.port}");
    conn.resume();
    console.log("connected");`;
  const child = await promisify(execFile)(
    process.execPath,
    ["--import", "tsx", "--input-type=module", "--eval", program],
    { timeout: 60_000 },
  );
  assert.equal(child.stdout, "connected\n");
});

describe("a socket of the abstract namespace", { skip: process.platform === "linux" ? false : "needs Linux" }, () => {
  const name = `dialtrace-${process.pid}`;
  const shown = `@${name}`;

  for (const target of [`unix:${shown}`, { path: shown }, { path: `\0${name}` }]) {
    test(`tcp dials the abstract socket ${JSON.stringify(target).replace(name, "name")} and reports it without NUL`, async () => {
      const server = createServer((socket) => socket.end("hello"));
      server.listen(`\0${name}`);
      await once(server, "listening");
      const addresses: unknown[] = [];
      const trace: DialTrace = {
        dialStart: (info) => addresses.push(String(info.target), info.target.path),
        connectStart: ({ address }) => addresses.push(address),
      };
      const conn = await compose(tcp())(target, { trace });
      assert.equal(String((await once(conn, "data"))[0]), "hello");
      assert.deepEqual(addresses, [`unix:${shown}`, shown, { address: shown, port: 0, family: "unix" }]);
      conn.destroy();
      server.close();
    });
  }

  test("the error of a missing abstract socket contains no NUL", async () => {
    const errors: unknown[] = [];
    const trace: DialTrace = {
      connectDone: ({ error }) => errors.push(error),
      attemptDone: ({ error }) => errors.push(error),
      dialDone: ({ error }) => errors.push(error),
    };
    await assert.rejects(compose(tcp())("unix:@unserved\u00e9", { trace }), (error: DialError) => {
      assert.equal(error.message, "dial unix:@unserved\u00e9: connect ECONNREFUSED @unserved\u00e9");
      assert.equal(error.reason, "refused");
      errors.push(error, error.cause);
      return true;
    });
    assert.equal(errors.length, 5);
    assert.doesNotMatch(inspect(errors, { depth: 9, showHidden: true }), /\0|\\0|\\x00|\\u0000/);
  });

  test("a path with a NUL after the first character is refused", () => {
    for (const path of ["/run/a\0b", "\0a\0b"]) assert.throws(() => parseTarget({ path }), /contains a NUL/);
  });
});

describe("a connect that hangs", { skip: process.platform === "linux" ? false : "needs Linux: a full backlog" }, () => {
  let hole: Hole;
  let alive: Server;
  let socketsBefore: number;
  before(async () => {
    hole = await blackHole();
    alive = createServer((socket) => socket.on("error", () => {}).resume());
    alive.listen(hole.port, "127.0.0.2");
    await once(alive, "listening");
    socketsBefore = openSockets();
  });
  after(async () => {
    await hole[Symbol.asyncDispose]();
    alive.close();
  });
  const told = (into: string[]): DialTrace => ({
    connectStart: ({ address }) => into.push(`start ${address.address}`),
    connectDone: ({ address, outcome, reason = "", durationMs }) =>
      into.push(`${outcome} ${address.address} ${reason}`.trim() + (outcome === "failure" ? ` in ${durationMs}` : "")),
    timeout: ({ scope, timeoutMs, target }) => into.push(`timeout ${scope} ${timeoutMs} ${target}`),
  });
  const lookup = answering(["127.0.0.1", "127.0.0.2"].map(v4));

  test("a connect that hangs is canceled, not failed, when the next address wins", async () => {
    const events: string[] = [];
    const conn = await compose(tcp({ lookup, connectionAttemptDelayMs: 10 }))(`h:${hole.port}`, {
      trace: told(events),
    });
    assert.equal(conn.remoteAddress, "127.0.0.2");
    assert.deepEqual(events, ["start 127.0.0.1", "start 127.0.0.2", "success 127.0.0.2", "canceled 127.0.0.1"]);
    conn.destroy();
    await until(() => openSockets() === socketsBefore, "no socket and no timer is left");
  });

  test("a connect that exceeds timeoutMs fails with scope phase, and the next starts immediately", async () => {
    const clock = fakeClock();
    const events: string[] = [];
    const dialing = compose(tcp({ lookup, connectionAttemptDelayMs: 9000, timeoutMs: 300 }))(`h:${hole.port}`, {
      clock,
      trace: told(events),
    });
    await clock.advance(50);
    await clock.advance(300);
    const conn = await dialing;
    assert.deepEqual(events, [
      "start 127.0.0.1",
      `timeout phase 300 h:${hole.port}`,
      "failure 127.0.0.1 timeout in 300",
      "start 127.0.0.2",
      "success 127.0.0.2",
    ]);
    assert.equal(clock.pending, 0);
    conn.destroy();
  });

  test("a single connect that exceeds timeoutMs fails the dial with its code, scope and message", async () => {
    const clock = fakeClock();
    const dialing = compose(tcp({ timeoutMs: 300 }))(`127.0.0.1:${hole.port}`, { clock });
    const failing = assert.rejects(dialing, (error: DialTimeoutError) => {
      assert.ok(error instanceof DialTimeoutError);
      assert.deepEqual(
        [error.code, error.reason, error.scope, error.timeoutMs],
        ["ETIMEDOUT", "timeout", "phase", 300],
      );
      assert.equal(error.message, "connect to 127.0.0.1 timed out after 300 ms");
      return true;
    });
    await clock.advance(300);
    await failing;
    assert.equal(clock.pending, 0);
    await until(() => openSockets() === socketsBefore, "no socket and no timer is left");
  });

  test("a connect calls connectDone once when the timeout hook aborts the dial", async () => {
    const clock = fakeClock();
    const controller = new AbortController();
    const events: string[] = [];
    const trace = { ...record(events, ["connectStart", "connectDone", "timeout"]) };
    const { timeout } = trace;
    trace.timeout = (info) => {
      timeout?.(info);
      controller.abort("enough");
    };
    const dialing = compose(tcp({ timeoutMs: 300 }))(`127.0.0.1:${hole.port}`, {
      clock,
      trace,
      signal: controller.signal,
    });
    const failing = assert.rejects(dialing, (error) => error === "enough");
    await clock.advance(300);
    await failing;
    assert.deepEqual(events, ["connectStart", "timeout", "connectDone canceled"]);
  });

  test("an abort during a race calls connectDone once for each connectStart", async () => {
    const clock = fakeClock();
    const controller = new AbortController();
    const events: string[] = [];
    const dialing = compose(tcp({ lookup: answering([v4("127.0.0.1"), { address: "::ffff:127.0.0.1", family: 6 }]) }))(
      `h:${hole.port}`,
      { clock, trace: told(events), signal: controller.signal },
    );
    await clock.advance(50);
    await clock.advance(250);
    controller.abort("enough");
    await assert.rejects(dialing, (error) => error === "enough");
    assert.deepEqual(events, [
      "start ::ffff:127.0.0.1",
      "start 127.0.0.1",
      "canceled 127.0.0.1",
      "canceled ::ffff:127.0.0.1",
    ]);
    assert.equal(clock.pending, 0);
    assert.equal(getEventListeners(controller.signal, "abort").length, 0);
    await until(() => openSockets() === socketsBefore, "no socket and no timer is left");
  });

  test("rememberWinner no longer prefers an address after another has won", async () => {
    const events: string[] = [];
    const dial = compose(tcp({ lookup, connectionAttemptDelayMs: 10, rememberWinner: true }));
    for (let count = 0; count < 2; count += 1) {
      (await dial(`h:${hole.port}`, { trace: told(events) })).destroy();
    }
    assert.deepEqual(events.slice(4), ["start 127.0.0.2", "success 127.0.0.2"]);
  });
});

test("rememberWinner connects to an IPv4 winner before IPv6", async () => {
  await using server = await goodPeer();
  const tried: string[] = [];
  const addresses = [{ address: "::1", family: 6 }, v4("127.0.0.1")];
  const dial = compose(tcp({ lookup: answering(addresses), rememberWinner: true }));
  for (let count = 0; count < 2; count += 1) {
    const trace: DialTrace = { connectStart: ({ address }) => tried.push(address.address) };
    (await dial(`h:${server.port}`, { trace })).destroy();
  }
  assert.deepEqual(tried, ["::1", "127.0.0.1", "127.0.0.1"]);
});

describe("refuses at construction", () => {
  const rows: readonly (readonly [object | null, string, string])[] = [
    [{ family: 5 }, "RangeError", "tcp: family must be 0, 4 or 6, got 5"],
    [{ family: "4" }, "RangeError", 'tcp: family must be 0, 4 or 6, got "4"'],
    [{ lookup: {} }, "TypeError", "tcp: lookup must be a function, got an object"],
    [{ nodelay: true }, "TypeError", "tcp: unknown option nodelay; did you mean noDelay?"],
    [{ noDelay: "yes" }, "TypeError", 'tcp: noDelay must be true or false, got "yes"'],
    [{ keepAlive: 1 }, "TypeError", "tcp: keepAlive must be true or false, got 1"],
    [{ unref: 0 }, "TypeError", "tcp: unref must be true or false, got 0"],
    [{ rememberWinner: null }, "TypeError", "tcp: rememberWinner must be true or false, got null"],
    [
      { connectionAttemptDelayMs: 9 },
      "RangeError",
      "tcp: connectionAttemptDelayMs must be a number of milliseconds from 10 to 2147483647, got 9",
    ],
    [
      { resolutionDelayMs: -1 },
      "RangeError",
      "tcp: resolutionDelayMs must be a number of milliseconds from 0 to 2147483647, got -1",
    ],
    [{ timeoutMs: 0 }, "RangeError", "tcp: timeoutMs must be a number of milliseconds from 1 to 2147483647, got 0"],
    [{ localAddress: "eth0" }, "TypeError", 'tcp: localAddress must be an IP address, got "eth0"'],
    [{ localPort: 65536 }, "RangeError", "tcp: localPort must be a whole number from 1 to 65535, got 65536"],
    [
      { family: 4, localAddress: "::1" },
      "RangeError",
      'tcp: localAddress must be an IPv4 address, because family is 4, got "::1"',
    ],
    [null, "TypeError", "tcp: options must be an object, got null"],
  ];
  for (const [options, name, message] of rows) {
    test(`tcp refuses ${inspect(options)} at construction`, () =>
      assert.throws(() => tcp(options as never), { name, message }));
  }
});
