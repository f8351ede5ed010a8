import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { getEventListeners, once } from "node:events";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { after, describe, test } from "node:test";
import {
  compose,
  DialError,
  type Dialer,
  type DialTrace,
  type LazySocketOptions,
  type Lookup,
  lazySocket,
  lazySocketMode,
  tcp,
  withRetry,
  withTimeout,
  withTrace,
} from "../../src/index.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";
import { connection, deferred, record, turns } from "../support/contract.ts";
import { freePort, goodPeer, peer, silentPeer } from "../support/peers.ts";
import { seededRandom } from "../support/random.ts";
import { openSockets, openTimers, until } from "../support/resources.ts";
import { emittedBySockets, otherDialer } from "./sockets.ts";

after(() => until(() => openSockets() === 0 && openTimers() === 0, "no test may leave a socket or a timer"));

/** Records error and close; the events of a socket that ends before it is connected. */
function endOf(socket: Socket): { errors: unknown[]; closes: unknown[] } {
  const seen = { errors: [] as unknown[], closes: [] as unknown[] };
  socket.on("error", (error) => seen.errors.push(error));
  socket.on("close", (hadError) => seen.closes.push(hadError));
  return seen;
}

describe("destroying a lazy socket while it is dialed", () => {
  test("destroy before the connect cancels the dial, which is reported once as canceled", async () => {
    const base = scriptedDialer(["hang"]);
    const events: string[] = [];
    const socket = lazySocket(compose(base), "h:1", { trace: record(events) });
    const end = endOf(socket);
    assert.equal(socket.connecting, true);
    await turns(1);
    socket.destroy();
    await turns();
    assert.equal(base.calls[0]?.options.signal?.aborted, true);
    assert.deepEqual(events, ["dialStart", "attemptStart", "attemptDone canceled", "dialDone canceled"]);
    assert.deepEqual(end, { errors: [], closes: [false] });
    assert.equal(lazySocketMode(socket), "unconnected");
  });

  test("a client that destroys the socket with its own timeout error cancels the dial, and gets its own error", async () => {
    const events: string[] = [];
    const socket = lazySocket(compose(scriptedDialer(["hang"])), "h:1", { trace: record(events, ["dialDone"]) });
    const end = endOf(socket);
    const error = Object.assign(new Error("timeout expired"), { name: "TimeoutError", code: "ETIMEDOUT" });
    socket.destroy(error);
    await turns();
    assert.deepEqual(events, ["dialDone canceled"]);
    assert.deepEqual(end, { errors: [error], closes: [true] });
  });

  test("a connection that the dial yields after the destroy is closed, and its close is reported", async () => {
    const late = deferred<Duplex>();
    const events: string[] = [];
    const socket = lazySocket(
      compose(() => late.promise),
      "h:1",
      { trace: record(events, ["dialDone"]) },
    );
    socket.destroy();
    const conn = connection();
    late.resolve(conn);
    await turns();
    assert.equal(conn.destroyed, true);
    assert.deepEqual(events, ["dialDone canceled"]);
  });

  test("a destroy in the turn in which the dial succeeds closes the connection once", async () => {
    await using server = await goodPeer();
    const closes: string[] = [];
    let socket: Socket | undefined;
    const trace: DialTrace = {
      dialDone: () => queueMicrotask(() => socket?.destroy()),
      connClosed: ({ reason }) => closes.push(reason),
    };
    socket = lazySocket(tcp(), server.address, { trace });
    const end = endOf(socket);
    let connects = 0;
    socket.on("connect", () => {
      connects += 1;
    });
    await once(socket, "close");
    await until(() => closes.length > 0, "the connection has closed");
    assert.deepEqual([connects, closes, end], [0, ["local"], { errors: [], closes: [false] }]);
  });

  test("a retrying dial that is waiting for its next attempt ends with the socket", async () => {
    const clock = fakeClock();
    const base = scriptedDialer([new Error("no")]);
    const dial = compose(clock.layer, withRetry({ maxAttempts: Number.POSITIVE_INFINITY }), base);
    const socket = lazySocket(dial, "h:1");
    await turns();
    socket.destroy();
    await clock.advance(600_000);
    assert.equal(base.calls.length, 1);
  });

  test("6,000 sockets destroyed at random moments leave no descriptor, timer or listener, and count each dial once", {
    timeout: 240_000,
  }, async () => {
    await using good = await goodPeer();
    await using silent = await silentPeer();
    const refused = await freePort();
    const lookup: Lookup = (_host, { family }, done) =>
      setImmediate(() => done(null, family === 4 ? [{ address: "127.0.0.1", family }] : []));
    const targets = [good.address, silent.address, `127.0.0.1:${refused}`, `db.test:${good.port}`];
    const counts = { started: 0, done: 0, succeeded: 0, closed: 0, connected: 0 };
    const observed = withTrace({
      dialStart: () => {
        counts.started += 1;
      },
      dialDone({ outcome }) {
        counts.done += 1;
        if (outcome === "success") counts.succeeded += 1;
      },
      connClosed: () => {
        counts.closed += 1;
      },
    });
    const layers = [observed, withTimeout({ timeoutMs: 60_000 }), withRetry({ initialBackoffMs: 5 })] as const;
    const dialers: Dialer<Socket>[] = [compose(...layers, tcp({ lookup })), compose(...layers, otherDialer)];
    const random = seededRandom(11);
    const pick = (count: number) => Math.floor(random() * count);
    const { signal } = new AbortController();
    await until(() => openTimers() === 0, "no timer at the start");
    const descriptors = () => readdirSync("/proc/self/fd").length;
    const before = process.platform === "linux" ? descriptors() : 0;
    const endings: ((destroy: () => void, socket: Socket) => void)[] = [
      (destroy) => destroy(),
      (destroy) => queueMicrotask(destroy),
      (destroy) => process.nextTick(destroy),
      (destroy) => void setImmediate(destroy),
      (destroy) => void setImmediate(() => setImmediate(destroy)),
      (destroy) => void setTimeout(destroy, pick(12)),
      (destroy, socket) =>
        void socket.on("connect", destroy).on("error", destroy).on("timeout", destroy).setTimeout(200),
      (destroy, socket) =>
        void socket
          .on("ready", () => setImmediate(destroy))
          .on("close", destroy)
          .setTimeout(200, destroy),
      (destroy, socket) => void socket.end("bye").on("close", destroy).setTimeout(200, destroy),
    ];
    const open = () =>
      new Promise<void>((resolve) => {
        const dialer = dialers[pick(2)] as Dialer<Socket>;
        // The other dialer resolves no names.
        const target = targets[pick(dialer === dialers[0] ? 4 : 3)] as string;
        const socket = lazySocket(dialer, target, { signal });
        if (random() < 0.5) socket.write("hello", () => {});
        let closes = 0;
        socket.on("connect", () => {
          counts.connected += 1;
        });
        socket.on("error", () => {});
        socket.on("close", () => {
          closes += 1;
          assert.equal(closes, 1);
          resolve();
        });
        endings[pick(endings.length)]?.(() => socket.destroy(), socket);
      });
    for (let batch = 0; batch < 30; batch += 1) await Promise.all(Array.from({ length: 200 }, open));
    await until(
      () => counts.done === 6000 && counts.closed === counts.succeeded,
      "every dial and connection has ended",
    );
    await until(() => {
      // The silent peer does not read and so sees no end; it may accept a connection that is already closed.
      for (const socket of silent.open) socket.destroy();
      return good.open.size === 0 && silent.open.size === 0;
    }, "the peers have closed");
    await until(() => openTimers() === 0, "no timer is left");
    assert.equal(counts.started, 6000);
    assert.ok(counts.connected > 500 && counts.connected <= counts.succeeded, JSON.stringify(counts));
    assert.equal(getEventListeners(signal, "abort").length, 0);
    if (process.platform === "linux") await until(() => descriptors() <= before, "descriptors are back to the start");
  });
});

describe("the signal of a lazy socket", () => {
  test("an abort while dialing is emitted as the error, and cancels the dial", async () => {
    const events: string[] = [];
    const controller = new AbortController();
    const dial = compose(scriptedDialer(["hang"]));
    const socket = lazySocket(dial, "h:1", { signal: controller.signal, trace: record(events, ["dialDone"]) });
    const end = endOf(socket);
    controller.abort();
    await turns();
    assert.deepEqual(end, { errors: [controller.signal.reason], closes: [true] });
    assert.deepEqual(events, ["dialDone canceled"]);
    assert.equal(getEventListeners(controller.signal, "abort").length, 0);
  });

  test("an already aborted signal prevents the dial", async () => {
    const base = scriptedDialer();
    const end = endOf(lazySocket(base, "h:1", { signal: AbortSignal.abort() }));
    await turns();
    assert.equal(base.calls.length, 0);
    assert.equal((end.errors[0] as Error).name, "AbortError");
  });

  for (const reason of ["why", 0, null, { code: 5 }]) {
    test(`an abort with ${JSON.stringify(reason)}, which is not an error, is emitted as an AbortError with a code`, async () => {
      const controller = new AbortController();
      const socket = lazySocket(scriptedDialer(["hang"]), "h:1", { signal: controller.signal });
      const end = endOf(socket);
      controller.abort(reason);
      await turns();
      const [error] = end.errors as [NodeJS.ErrnoException];
      assert.deepEqual([error.name, error.code, error.cause, end.closes], ["AbortError", "ABORT_ERR", reason, [true]]);
    });
  }

  test("an abort after the connect does not touch the connection", async () => {
    await using server = await goodPeer();
    const controller = new AbortController();
    const socket = lazySocket(tcp(), server.address, { signal: controller.signal });
    await once(socket, "connect");
    assert.equal(getEventListeners(controller.signal, "abort").length, 0);
    controller.abort();
    await turns();
    assert.equal(socket.destroyed, false);
    socket.destroy();
  });
});

describe("a failed dial of a lazy socket", () => {
  test("the DialError is emitted with its code and reason, and then close with hadError true", async () => {
    const socket = lazySocket(compose(withRetry({ maxAttempts: 2, initialBackoffMs: 1 }), tcp()), {
      host: "127.0.0.1",
      port: await freePort(),
    });
    const order: string[] = [];
    const end = endOf(socket);
    for (const event of ["connect", "end", "error", "close"]) socket.on(event, () => order.push(event));
    await once(socket, "close").catch(() => {});
    const [error] = end.errors as [DialError];
    assert.ok(error instanceof DialError);
    assert.deepEqual([error.code, error.reason, error.attemptCount], ["ECONNREFUSED", "refused", 2]);
    await until(() => end.closes.length > 0, "the socket has closed");
    assert.deepEqual([order, end.closes], [["error", "close"], [true]]);
  });

  test("the callback of a waiting write is called when the socket has closed, as with net.connect", async () => {
    const port = await freePort();
    const ends = [connect(port, "127.0.0.1"), lazySocket(tcp(), `127.0.0.1:${port}`)].map(async (socket) => {
      const order: unknown[] = [];
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.on("error", (error: NodeJS.ErrnoException) => order.push(error.code));
      socket.on("close", () => order.push("close"));
      await new Promise<void>((resolve) => {
        socket.write("hello", (error) => {
          order.push((error as NodeJS.ErrnoException).code);
          resolve();
        });
      });
      await closed;
      return order;
    });
    const [node, lazy] = await Promise.all(ends);
    assert.deepEqual(node, ["ECONNREFUSED", "close", "ERR_SOCKET_CLOSED_BEFORE_CONNECTION"]);
    assert.deepEqual(lazy, node);
  });

  test("a bare base dialer fails with a DialError too, and its dial is observed", async () => {
    const events: string[] = [];
    const socket = lazySocket(tcp(), `127.0.0.1:${await freePort()}`, {
      trace: record(events, ["dialStart", "dialDone"]),
    });
    const [error] = await once(socket, "error").catch((thrown) => [thrown]);
    assert.ok(error instanceof DialError);
    assert.deepEqual(events, ["dialStart", "dialDone failure"]);
  });

  test("a dial that fails at once emits its error only after the caller has had a turn to add listeners", async () => {
    const socket = lazySocket(scriptedDialer([new Error("open breaker")]), "h:1");
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    await new Promise<void>((resolve) => process.nextTick(resolve));
    const end = endOf(socket);
    await until(() => end.closes.length > 0, "the socket has closed");
    assert.equal(end.errors.length, 1);
  });

  test("a dialer that yields no connection fails the socket with an error", async () => {
    const socket = lazySocket((async () => 5) as never, "h:1");
    const end = endOf(socket);
    await turns();
    assert.match(String(end.errors[0]), /connection, got 5/);
    assert.deepEqual(end.closes, [true]);
  });

  test("a connection that is closed before the socket takes it over fails the socket", async () => {
    await using server = await goodPeer();
    const closing = withTrace({ dialDone: ({ conn }) => queueMicrotask(() => conn?.destroy()) });
    const socket = lazySocket(compose(closing, tcp()), server.address);
    const end = endOf(socket);
    await until(() => end.closes.length > 0, "the socket has closed");
    const [error] = end.errors as [DialError];
    assert.deepEqual([error.reason, end.closes], ["handshake_closed", [true]]);
  });

  test("an error thrown by a listener of connect or lookup is an uncaught exception, as it is with net.connect", async () => {
    const program = `
      import { createServer } from "node:net";
      import { lazySocket, tcp } from "./src/index.ts";
      const caught = [];
      process.on("uncaughtException", (error) => caught.push(error.message));
      const server = createServer((socket) => socket.end());
      server.listen(0, "127.0.0.1", () => {
        const lookup = (host, options, done) => done(null, options.family === 4 ? [{ address: "127.0.0.1", family: 4 }] : []);
        const socket = lazySocket(tcp({ lookup }), "db.test:" + server.address().port);
        socket.on("connect", () => setImmediate(() => socket.destroy()));
        for (const event of ["lookup", "connect"]) socket.on(event, () => { throw new Error(event); });
        socket.on("close", () => { server.close(); console.log(caught.join()); });
      });`;
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program]);
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (data) => {
        output += data;
      });
    await once(child, "close");
    assert.equal(output, "lookup,connect\n");
  });
});

describe("the lookup event of a lazy socket", () => {
  const answering =
    (answer: "found" | "missing") =>
    (_host: string, options: object, done: (error: unknown, addresses?: unknown) => void): void => {
      const { family } = options as { family: number };
      const error = Object.assign(new Error("getaddrinfo ENOTFOUND db.test"), { code: "ENOTFOUND" });
      if (answer === "missing") setImmediate(() => done(error));
      else setImmediate(() => done(null, family === 6 ? [] : [{ address: "127.0.0.1", family: 4 }]));
    };

  for (const answer of ["found", "missing"] as const) {
    test(`lookup is emitted with the arguments that net.connect gives when the name is ${answer}`, async () => {
      await using server = await goodPeer();
      const lookup = answering(answer);
      const watch = async (socket: Socket) => {
        const seen: unknown[] = [];
        socket.on("lookup", (error: unknown, address, family, host) => {
          seen.push(["lookup", (error as NodeJS.ErrnoException | null)?.code, address, family, host]);
        });
        socket.on("connect", () => socket.destroy(void seen.push("connect")));
        socket.on("error", (error: NodeJS.ErrnoException) => seen.push(`error ${error.code}`));
        await once(socket, "close").catch(() => {});
        return seen;
      };
      const theirs = await watch(connect({ host: "db.test", port: server.port, lookup: lookup as never }));
      const ours = await watch(lazySocket(tcp({ lookup: lookup as never }), `db.test:${server.port}`));
      assert.ok(theirs.length > 1);
      assert.deepEqual(ours, theirs);
    });
  }

  test("lookup is emitted again by each attempt, and not for an address that needs none", async () => {
    const lookup = answering("missing") as never;
    const dial = compose(withRetry({ maxAttempts: 3, initialBackoffMs: 1 }), tcp({ lookup }));
    let lookups = 0;
    const socket = lazySocket(dial, "db.test:1").on("lookup", () => {
      lookups += 1;
    });
    await once(socket, "error").catch(() => {});
    const literal = lazySocket(dial, `127.0.0.1:${await freePort()}`).on("lookup", () => {
      lookups += 100;
    });
    await once(literal, "error").catch(() => {});
    assert.equal(lookups, 3);
  });

  test("a socket that a lookup listener destroys emits no further lookup and no connect", async () => {
    await using server = await goodPeer();
    const both: Lookup = (_host, { family }, done) =>
      done(null, family === 4 ? ["127.0.0.1", "127.0.0.2"].map((address) => ({ address, family })) : []);
    const seen: string[] = [];
    const socket = lazySocket(tcp({ lookup: both }), `db.test:${server.port}`);
    socket.on("lookup", (_error, address) => socket.destroy(void seen.push(address)));
    socket.on("connect", () => seen.push("connect"));
    await once(socket, "close");
    assert.deepEqual(seen, ["127.0.0.1"]);
  });
});

describe("the options of a lazy socket", () => {
  const dial = scriptedDialer(["hang"]);
  const wrong: readonly (readonly [string, unknown, unknown, object | undefined, RegExp])[] = [
    ["no dialer", undefined, "h:1", {}, /^lazySocket: dialer must be a function/],
    ["a factory as the dialer", tcp, "h:1", {}, /call it: tcp\(\)/],
    ["a middleware as the dialer", withRetry(), "h:1", {}, /^lazySocket: dialer must be a dialer/],
    ["no target", dial, undefined, {}, /^lazySocket: target must be given, unless startOnConnect is true/],
    ["a malformed target", dial, "nowhere", {}, /nowhere/],
    ["a misspelt option", dial, "h:1", { startOnConect: true }, /did you mean startOnConnect\?/],
    ["the option of net.connect", dial, "h:1", { timeout: 5 }, /did you mean timeoutMs\?/],
    ["an event that is not a name", dial, "h:1", { event: "" }, /^lazySocket: event must be the name of an event/],
    [
      "a timeout out of range",
      dial,
      "h:1",
      { timeoutMs: 0 },
      /^lazySocket: timeoutMs must be a number of milliseconds/,
    ],
    ["an override that no layer applies", dial, "h:1", { maxAttempts: 5 }, /^lazySocket: .*maxAttempts/],
  ];
  for (const [what, dialer, target, options, message] of wrong) {
    test(`lazySocket throws at once for ${what}`, () => {
      assert.throws(() => lazySocket(dialer as never, target as never, options), { message });
      assert.equal(dial.calls.length, 0);
    });
  }

  test("lazySocket refuses each event that a socket of net.connect emits by itself", async () => {
    const names = await emittedBySockets();
    const documented = [
      "connectionAttemptFailed",
      "connectionAttemptTimeout",
      "error",
      "session",
      "agentRemove",
      "free",
    ];
    for (const event of [...names, ...documented]) {
      assert.throws(() => lazySocket(dial, "h:1", { event }), {
        name: "TypeError",
        code: "ERR_INVALID_OPTION",
        message:
          "lazySocket: event must be one that sockets do not emit by themselves, such as secureConnect, " +
          `got "${event}"; to emit none, leave it out`,
      });
    }
    assert.ok(
      names.has("unpipe") && names.has("drain") && names.has("timeout") && names.has("lookup"),
      [...names].join(),
    );
  });

  test("lazySocketMode throws a TypeError for a socket that is not a lazy one", async () => {
    for (const other of [connection(), {}, null, "x"]) {
      assert.throws(() => lazySocketMode(other as never), /^TypeError: lazySocketMode: socket must be a lazy socket/);
    }
  });

  test("the options of a dial reach the dialer: owner, background, handshake and hooks", async () => {
    const base = scriptedDialer();
    const owner = {};
    const shaken = connection();
    const seen: unknown[] = [];
    const options: LazySocketOptions<Duplex> = {
      owner,
      background: true,
      handshake: async (conn) => {
        conn.destroy();
        return shaken;
      },
      trace: { dialStart: (info) => seen.push([info.owner === owner, info.background]) },
    };
    const socket = lazySocket(compose(base), "h:1", options);
    await once(socket, "connect");
    assert.deepEqual(seen, [[true, true]]);
    socket.destroy();
    assert.equal(shaken.destroyed, true);
  });

  test("the event of the options is emitted once, after connect and ready", async () => {
    const order: string[] = [];
    const socket = lazySocket(scriptedDialer(), "h:1", { event: "secureConnect" });
    for (const event of ["secureConnect", "ready", "connect"]) socket.on(event, () => order.push(event));
    await once(socket, "secureConnect");
    socket.destroy();
    assert.deepEqual(order, ["connect", "ready", "secureConnect"]);
  });
});

describe("a lazy socket that starts on connect", () => {
  test("nothing is dialed before connect() is called, and destroying the socket then dials nothing", async () => {
    const base = scriptedDialer();
    const socket = lazySocket(base, "h:1", { startOnConnect: true });
    const end = endOf(socket);
    assert.deepEqual([socket.connecting, socket.pending], [false, true]);
    await turns();
    socket.destroy();
    await turns();
    assert.deepEqual([base.calls.length, end], [0, { errors: [], closes: [false] }]);
  });

  const calls: readonly (readonly [string, readonly unknown[], string])[] = [
    ["a port and a host", [5432, "db.internal"], "db.internal:5432"],
    ["a port as a string", ["5432", "db.internal"], "db.internal:5432"],
    ["a port alone", [5432], "localhost:5432"],
    ["options", [{ port: 5432, host: "db.internal", keepAlive: true }], "db.internal:5432"],
    ["options without a host", [{ port: "5432" }], "localhost:5432"],
    ["the path null of http.Agent", [{ port: 5432, host: "db.internal", path: null }], "db.internal:5432"],
    ["an empty path", [{ port: 5432, host: "db.internal", path: "" }], "db.internal:5432"],
    ["the path of a unix socket", ["/run/db.sock"], "unix:/run/db.sock"],
    ["options with a path", [{ path: "/run/db.sock" }], "unix:/run/db.sock"],
    ["a name in the abstract namespace", ["\0db"], "unix:@db"],
  ];
  for (const [what, args, target] of calls) {
    test(`connect() with ${what} dials ${target}, and calls its listener once`, async () => {
      const base = scriptedDialer();
      const socket = lazySocket(base, undefined, { startOnConnect: true });
      let connects = 0;
      const returned = (socket.connect as (...args: unknown[]) => Socket)(...args, () => {
        connects += 1;
      });
      assert.deepEqual([returned, socket.connecting], [socket, true]);
      await turns();
      assert.deepEqual([base.calls.map((call) => String(call.target)), connects], [[target], 1]);
      socket.destroy();
    });
  }

  test("a target passed to lazySocket takes precedence over the arguments of connect()", async () => {
    const base = scriptedDialer();
    const socket = lazySocket(base, "db.internal:5432", { startOnConnect: true });
    socket.connect(1, "elsewhere");
    socket.connect(2, "elsewhere");
    await turns();
    assert.deepEqual(
      base.calls.map((call) => String(call.target)),
      ["db.internal:5432"],
    );
    socket.destroy();
  });

  test("connect() throws for arguments that name no target, and when the socket has connected or is destroyed", async () => {
    const socket = lazySocket(scriptedDialer(), undefined, { startOnConnect: true });
    for (const args of [[], [{}], [{ host: "h" }], [{ port: {} }], [() => {}], [70_000], [null]]) {
      assert.throws(() => (socket.connect as (...args: unknown[]) => unknown)(...args), TypeError);
    }
    assert.equal(socket.connecting, false);
    socket.connect(1, "h");
    await once(socket, "connect");
    assert.throws(() => socket.connect(1, "h"), /^TypeError: lazySocket: connect\(\) can be called only once/);
    socket.destroy();
    assert.throws(() => socket.connect(1, "h"), /^TypeError: lazySocket: connect\(\) can be called only once/);
  });

  test("the timeout starts with connect()", async () => {
    const socket = lazySocket(scriptedDialer(["hang"]), "h:1", { startOnConnect: true, timeoutMs: 10 });
    let timeouts = 0;
    socket.on("timeout", () => {
      timeouts += 1;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(timeouts, 0);
    socket.connect(1);
    // The timer of a socket does not keep the process alive.
    await until(() => timeouts > 0, "the timeout is emitted");
    socket.destroy();
  });

  test("what is written before connect() is sent when the socket has connected", async () => {
    let text = "";
    await using server = await peer(
      (socket) =>
        void socket.on("data", (data) => {
          text += data;
        }),
    );
    const socket = lazySocket(tcp(), undefined, { startOnConnect: true });
    socket.setNoDelay(true);
    socket.write("early ");
    socket.connect(server.port, "127.0.0.1");
    socket.end("late");
    socket.resume();
    await once(socket, "close");
    assert.equal(text, "early late");
  });
});

describe("a lazy socket over a stream that is not a socket", () => {
  test("bytes are counted, and members that the stream lacks are undefined", async () => {
    const written: string[] = [];
    let source: Duplex | undefined;
    const dialer = async () => {
      source = new Duplex({
        read() {},
        write(chunk, encoding, callback) {
          written.push(`${encoding} ${chunk}`);
          callback();
        },
      });
      return source;
    };
    const socket = lazySocket(dialer, "h:1");
    socket.write("grün");
    await once(socket, "connect");
    source?.push("answer");
    const [data] = await once(socket, "data");
    const { bytesRead, bytesWritten, remoteAddress, localPort } = socket;
    assert.deepEqual(
      [String(data), bytesRead, bytesWritten, remoteAddress, localPort],
      ["answer", 6, 5, undefined, undefined],
    );
    assert.deepEqual([socket.address(), lazySocketMode(socket), written], [{}, "forwarded", ["buffer grün"]]);
    assert.equal(socket.setNoDelay().setKeepAlive(true).ref().unref(), socket);
    socket.resetAndDestroy();
    await once(socket, "close");
    assert.equal(source?.destroyed, true);
  });

  test("an error of the stream fails the socket, and the end of the stream ends it", async () => {
    const conn = connection();
    const socket = lazySocket(async () => conn, "h:1");
    const end = endOf(socket);
    await once(socket, "connect");
    const error = Object.assign(new Error("broken"), { code: "EPROTO" });
    conn.destroy(error);
    await until(() => end.closes.length > 0, "the socket has closed");
    assert.deepEqual(end, { errors: [error], closes: [true] });
  });

  test("a stream that emits an error without being destroyed ends the socket, and is destroyed", async () => {
    const conn = connection();
    const socket = lazySocket(async () => conn, "h:1");
    const end = endOf(socket);
    await once(socket, "connect");
    conn.emit("error", new Error("odd"));
    await until(() => end.closes.length > 0, "the socket has closed");
    assert.equal(conn.destroyed, true);
    assert.equal((end.errors[0] as Error).message, "odd");
  });

  test("a stream whose setNoDelay throws is still used, with a warning", async () => {
    const conn = Object.assign(connection(), {
      setNoDelay() {
        throw new Error("cannot");
      },
    });
    const socket = lazySocket(async () => conn, "h:1").setNoDelay();
    await once(socket, "connect");
    socket.destroy();
  });

  test("a stream whose destroy throws does not keep the socket from closing", async () => {
    const conn = connection();
    const socket = lazySocket(async () => conn, "h:1");
    await once(socket, "connect");
    conn.destroy = () => {
      throw new Error("cannot");
    };
    socket.destroy();
    await once(socket, "close");
  });
});
