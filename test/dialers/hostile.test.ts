import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import type { Socket } from "node:net";
import { after, describe, test } from "node:test";
import { compose, type DialError, type Dialer, httpProxy, type Reason, socksProxy, tls } from "../../src/index.ts";
import { turns } from "../support/contract.ts";
import { peer } from "../support/peers.ts";
import { openSockets, openTimers, until } from "../support/resources.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

/** Writes `chunk` repeatedly, as fast as the peer reads it. */
function endlessly(socket: Socket, chunk: string | Buffer): void {
  const write = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on("drain", write);
  write();
}

/** Writes `text` one byte every few milliseconds, then `x` without end. */
function dribble(socket: Socket, text: string): void {
  const left = [...text];
  const timer = setInterval(() => socket.write(left.shift() ?? "x", "latin1"), 5);
  socket.on("close", () => clearInterval(timer));
}

type Kind = "http" | "socks5" | "tls";

const dialers: Readonly<Record<Kind, (address: string, timeoutMs: number) => Dialer<Socket>>> = {
  http: (address, timeoutMs) => httpProxy({ proxy: `http://${address}`, timeoutMs }),
  socks5: (address, timeoutMs) => socksProxy({ proxy: `socks5h://u:p@${address}`, timeoutMs }),
  tls: (address, timeoutMs) => (_target, options) =>
    tls({ handshakeTimeoutMs: timeoutMs })(address, options as object) as Promise<Socket>,
};

const peers: readonly (readonly [Kind, string, (socket: Socket) => void, Reason])[] = [
  ["http", "says nothing", () => {}, "timeout"],
  [
    "http",
    "never ends its header",
    (socket) => endlessly(socket, `HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(1000)}`),
    "proxy_rejected",
  ],
  [
    "http",
    "sends one header without end",
    (socket) => endlessly(socket, `HTTP/1.1 200 OK\r\na: ${"b".repeat(9999)}`),
    "proxy_rejected",
  ],
  ["http", "sends garbage without end", (socket) => endlessly(socket, Buffer.alloc(65_536, 7)), "proxy_rejected"],
  ["http", "sends a byte every few milliseconds", (socket) => dribble(socket, "HTTP/1.1 200 OK\r\na: "), "timeout"],
  ["http", "closes within its header", (socket) => socket.end("HTTP/1.1 200 OK\r\na: "), "proxy_rejected"],
  ["http", "closes immediately", (socket) => socket.end(), "proxy_rejected"],
  ["http", "resets within its header", (socket) => resetAfter(socket, "HTTP/1.1 200 OK\r\n"), "reset"],
  ["http", "echoes its input", (socket) => void socket.pipe(socket), "proxy_rejected"],
  ["socks5", "says nothing", () => {}, "timeout"],
  ["socks5", "sends garbage without end", (socket) => endlessly(socket, Buffer.alloc(65_536, 7)), "proxy_rejected"],
  ["socks5", "sends zeros without end", (socket) => endlessly(socket, Buffer.alloc(65_536)), "proxy_rejected"],
  ["socks5", "sends fives without end", (socket) => endlessly(socket, Buffer.alloc(65_536, 5)), "proxy_auth"],
  [
    "socks5",
    "sends a byte every few milliseconds",
    (socket) => dribble(socket, "\x05\x00\x05\x00\x00\x03\xff"),
    "timeout",
  ],
  ["socks5", "closes within its answer", (socket) => socket.end("\x05"), "proxy_rejected"],
  ["socks5", "resets", (socket) => resetAfter(socket, "\x05"), "reset"],
  ["socks5", "echoes its input", (socket) => void socket.pipe(socket), "proxy_auth"],
  ["tls", "says nothing", () => {}, "timeout"],
  ["tls", "sends garbage without end", (socket) => endlessly(socket, Buffer.alloc(65_536, 7)), "tls_protocol"],
  ["tls", "starts a record and stalls", (socket) => socket.write(Buffer.from([22, 3, 3, 64, 0, 2, 0])), "timeout"],
  ["tls", "sends a byte every few milliseconds", (socket) => dribble(socket, "\x16\x03\x03\x40\x00\x02"), "timeout"],
  ["tls", "closes", (socket) => socket.end(), "tls_closed"],
  ["tls", "echoes its input", (socket) => void socket.pipe(socket), "tls_protocol"],
];

/** Waits for turns of the event loop: libuv reports bytes and a reset that it reads together as an end. */
function resetAfter(socket: Socket, text: string): void {
  socket.write(text, async () => {
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    socket.resetAndDestroy();
  });
}

for (const [kind, what, serve, reason] of peers) {
  test(`a hostile ${kind} peer that ${what} fails the dial with ${reason}, with little memory and no leftovers`, async () => {
    await using server = await peer((socket) => {
      socket.resume();
      serve(socket);
    });
    const [timers, memory] = [openTimers(), process.memoryUsage()];
    // Only a timeout ends the dials that expect one. The other dials end long before theirs.
    const timeoutMs = reason === "timeout" ? 150 : 60_000;
    await assert.rejects(compose(dialers[kind](server.address, timeoutMs))("db.test:5432"), (error: DialError) => {
      assert.equal(error.reason, reason, error.message);
      return true;
    });
    const { heapUsed, external } = process.memoryUsage();
    assert.ok(
      heapUsed + external - memory.heapUsed - memory.external < 64 * 1024 * 1024,
      "the dial uses little memory",
    );
    await until(() => server.open.size === 0, "the peer sees it closed");
    await until(() => openTimers() <= timers, "no timer is left");
  });
}

test("httpProxy refuses a proxy that sends interim responses without end after 8 of them", async () => {
  await using server = await peer((socket) => {
    socket.resume();
    endlessly(socket, "HTTP/1.1 100 Continue\r\n\r\n".repeat(50_000));
  });
  const dial = compose(httpProxy({ proxy: `http://${server.address}`, timeoutMs: 30_000 }));
  await assert.rejects(dial("db.test:5432"), {
    reason: "proxy_rejected",
    message: /sent more than 8 interim responses/,
  });
  await until(() => server.open.size === 0, "the peer sees it closed");
});

test("httpProxy counts interim responses towards the maximum length of the response", async () => {
  const head = `HTTP/1.1 102 Processing\r\na: ${"b".repeat(7000)}\r\n\r\n`;
  await using server = await peer((socket) => {
    socket.resume();
    socket.write(`${head.repeat(3)}HTTP/1.1 200 OK\r\n\r\n`);
  });
  await assert.rejects(compose(httpProxy({ proxy: `http://${server.address}` }))("db.test:5432"), {
    reason: "proxy_rejected",
    message: /exceeds 16384 bytes/,
  });
});

test("httpProxy skips a few interim responses, however they are split into packets", async () => {
  const answer = `${"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n".repeat(8)}HTTP/1.1 200 OK\r\n\r\nhello`;
  for (const size of [1, 7, answer.length]) {
    await using server = await peer(async (socket) => {
      socket.resume();
      socket.setNoDelay(true);
      for (let at = 0; at < answer.length; at += size) {
        socket.write(answer.slice(at, at + size));
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    const conn = await compose(httpProxy({ proxy: `http://${server.address}` }))("db.test:5432");
    let heard = "";
    for await (const chunk of conn) {
      heard += chunk;
      if (heard.length >= 5) break;
    }
    assert.equal(heard, "hello");
  }
});

test("socksProxy fails the dial, not the process, when the proxy resets during the lookup", async () => {
  await using server = await peer();
  const lookup = async (_: string, { family }: { family: number }, found: (error: null, all: object[]) => void) => {
    await until(() => server.accepted === 1, "the proxy has accepted");
    for (const socket of server.open) socket.resetAndDestroy();
    // The dialer sees the reset in these turns, however long they take.
    await turns(20);
    found(null, family === 4 ? [{ address: "192.0.2.1" }] : []);
  };
  const dial = compose(socksProxy({ proxy: `socks5://${server.address}`, lookup: lookup as never }));
  await assert.rejects(dial("db.test:5432"), { reason: "reset" });
});

describe("many failing dials", () => {
  const dials = 2000;
  const kinds = Object.keys(dialers) as Kind[];
  const faults: readonly ((socket: Socket) => void)[] = [
    () => {},
    (socket) => socket.resetAndDestroy(),
    (socket) => socket.destroy(),
    (socket) => socket.write("\x05"),
    (socket) => socket.write("\x05\x00\x05"),
    (socket) => socket.write("HTTP/1.1 200 OK\r\n"),
    (socket) => socket.write(Buffer.from([22, 3, 3, 64, 0, 2, 0])),
    (socket) => void socket.once("data", () => socket.resetAndDestroy()),
    (socket) => void socket.once("data", () => socket.end("garbage\r\n\r\n")),
  ];

  test("2,000 dials that fail or are aborted leave no socket, timer or listener", { timeout: 60_000 }, async (t) => {
    let accepted = 0;
    await using server = await peer((socket) => {
      socket.resume();
      faults[accepted++ % faults.length]?.(socket);
    });
    const timers = openTimers();
    const shared = new AbortController();
    const startedAt = performance.now();
    const outcomes = new Map<string, number>();
    let started = 0;
    const worker = async () => {
      while (started < dials) {
        const number = started++;
        const dial = compose(dialers[kinds[number % kinds.length] as Kind](server.address, 150));
        const own = number % 2 === 0 ? new AbortController() : undefined;
        const signal = own?.signal ?? shared.signal;
        if (own !== undefined) setTimeout(() => own.abort(new Error("enough")), number % 40);
        const error: Error = await dial("db.test:5432", { signal }).then(
          (conn) => {
            conn.destroy();
            return new Error("connected");
          },
          (error) => error,
        );
        const outcome = (error as Partial<DialError>).reason ?? error.message;
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        if (own !== undefined) assert.equal(getEventListeners(own.signal, "abort").length, 0);
      }
    };
    await Promise.all(Array.from({ length: 50 }, worker));
    assert.equal(getEventListeners(shared.signal, "abort").length, 0, "listeners");
    await until(() => server.open.size === 0, "the peers see all connections closed");
    await until(() => openSockets() === 0, "sockets");
    await until(() => openTimers() <= timers, "timers");
    const allowed: readonly (Reason | "enough")[] = [
      "enough",
      "timeout",
      "reset",
      "tls_closed",
      "tls_protocol",
      "proxy_rejected",
      "proxy_auth",
    ];
    assert.deepEqual(
      [...outcomes.keys()].filter((each) => !allowed.includes(each as Reason)),
      [],
    );
    t.diagnostic(`${((performance.now() - startedAt) / 1000).toFixed(1)} s: ${JSON.stringify([...outcomes])}`);
  });
});
