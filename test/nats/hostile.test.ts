import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { after, test } from "node:test";
import { compose, DialError, type DialTrace, tcp, withLog, withTrace } from "../../src/index.ts";
import { natsLog } from "../../src/nats.ts";
import { connect } from "../support/nats-line.ts";
import { startNats } from "../support/nats-server.ts";
import { peer } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";
import { stoppedClock } from "./stopped-clock.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

type Serve = (write: (text: string | Buffer) => void, hangUp: () => void) => unknown;

const info = (fields: object = {}) =>
  `INFO ${JSON.stringify({ server_id: "S", version: "2.9.0", proto: 1, max_payload: 1_048_576, ...fields })}\r\n`;

const hostile: [string, Serve, string][] = [
  ["closes the connection before INFO", (_, hangUp) => hangUp(), "handshake_closed"],
  ["closes the connection within INFO", (write, hangUp) => [write('INFO {"server_id":'), hangUp()], "handshake_closed"],
  ["closes the connection after INFO", (write, hangUp) => [write(info()), hangUp()], "handshake_closed"],
  ["speaks HTTP", (write) => write("HTTP/1.1 400 Bad Request\r\n\r\n"), "protocol"],
  ["sends an INFO that is not JSON", (write) => write("INFO {nope}\r\n"), "protocol"],
  ["sends binary garbage", (write) => write("\x00\xff\xfe\n"), "protocol"],
  ["sends binary garbage after INFO", (write) => [write(info()), write("\x00\xff\xfe\r\n")], "protocol"],
  ["is full", (write) => write("-ERR 'maximum connections exceeded'\r\n"), "server_limit"],
  [
    "is full, and reports it after INFO",
    (write) => [write(info()), write("-ERR 'maximum connections exceeded'\r\n")],
    "server_limit",
  ],
  [
    "is full, reports it after INFO, and closes the connection",
    (write, hangUp) => [write(info()), write("-ERR 'maximum connections exceeded'\r\n"), hangUp()],
    "server_limit",
  ],
  ["rejects the credentials", (write) => [write(info()), write("-ERR 'Authorization Violation'\r\n")], "auth_failed"],
  ["has a version that is a number", (write) => write(info({ version: 2 })), "protocol"],
  ["has no version", (write) => write(info({ version: undefined })), "protocol"],
  ["has a max_payload that is a string", (write) => write(info({ max_payload: "1 MiB" })), "protocol"],
  ["has a nonce that is an object", (write) => write(info({ nonce: {} })), "protocol"],
  ["has a tls_required that is a string", (write) => write(info({ tls_required: "yes" })), "protocol"],
  ["never sends PONG", (write) => write(info()), "timeout"],
  [
    "sends a second INFO without end",
    (write) => [write(info()), write(`INFO {"server_id":"`), write(Buffer.alloc(8 * 1024 * 1024, "x"))],
    "protocol",
  ],
];
for (const [what, serve, reason] of hostile) {
  test(`a server that ${what} fails the connect with ${reason}, reported once`, async (t) => {
    await using server = await peer((socket) => {
      socket.resume();
      serve(
        (text) => socket.write(text, "latin1"),
        () => socket.end(),
      );
    });
    const told: string[] = [];
    let isAsked = false;
    const hooks: DialTrace = {
      handshakeEvent: ({ name }) => {
        isAsked ||= name === "connect";
      },
      dialDone: (done) => told.push(`dial ${done.outcome} ${done.reason}`),
      attemptDone: (done) => told.push(`attempt ${done.outcome} ${done.reason}`),
      handshakeDone: (done) => told.push(`handshake ${done.outcome} ${done.reason}`),
    };
    const dialer = compose(withTrace(hooks), tcp());
    const clock = stoppedClock(t);
    const refused = assert.rejects(connect({ servers: server.address, dialer, timeout: 100 }), (error) => {
      assert.ok(error instanceof DialError, String(error));
      assert.equal(error.reason, reason);
      assert.equal(error.target, server.address);
      return true;
    });
    if (reason === "timeout") {
      await until(() => isAsked, "the client waits for PONG");
      await clock.advance(100);
    }
    await refused;
    assert.deepEqual(told, [`handshake failure ${reason}`, `attempt failure ${reason}`, `dial failure ${reason}`]);
    await until(() => server.open.size === 0, "the connection is closed");
  });
}

for (const [what, chunk] of [
  ["never ends", Buffer.alloc(64 * 1024, 0x20)],
  ["has 1 GiB", Buffer.alloc(64 * 1024, "x")],
] as const) {
  test(`an INFO that ${what} is refused after 1 MiB`, async () => {
    let sent = 0;
    await using server = await peer((socket) => {
      socket.write('INFO {"server_id":"');
      const more = () => {
        while (!socket.destroyed && sent < 1024 ** 3 && socket.write(chunk)) sent += chunk.length;
        if (sent >= 1024 ** 3) socket.write('"}\r\n');
      };
      socket.on("drain", more);
      more();
    });
    await assert.rejects(connect({ servers: server.address, timeout: 30_000 }), (error) => {
      assert.ok(error instanceof DialError);
      assert.equal(error.reason, "protocol");
      assert.match(error.message, /first line exceeds 1048576 bytes/);
      return true;
    });
    await until(() => server.open.size === 0, "the connection is closed");
    // The rest is in the kernel's buffers.
    assert.ok(sent < 64 * 1024 * 1024, `${sent} bytes were taken`);
  });
}

test("garbage on an established connection ends it, and the client reconnects", async (t) => {
  t.mock.method(console, "log", () => {}); // The library prints what its parser throws.
  const sockets: Socket[] = [];
  await using server = await peer((socket) => {
    sockets.push(socket);
    socket.write(info());
    socket.on("data", (data) => {
      if (String(data).includes("PING")) socket.write("PONG\r\n");
    });
  });
  const lost: string[] = [];
  let back = false;
  const nc = await connect({
    servers: server.address,
    reconnectDelayHandler: () => 1,
    onDisconnect: ({ reason }) => lost.push(reason),
    onReconnect: () => {
      back = true;
    },
  });
  sockets[0]?.write("\x00\xff\r\n", "latin1");
  await until(() => back, "the client is back");
  assert.deepEqual(lost, ["error"]);
  await nc.close();
});

test("a subscription's callback that throws ends the connection and not the client", async (t) => {
  t.mock.method(console, "log", () => {});
  await using server = await startNats();
  let back = 0;
  const nc = await connect({
    servers: server.address,
    reconnectDelayHandler: () => 1,
    onReconnect: () => {
      back += 1;
    },
  });
  const received: string[] = [];
  nc.subscribe("n", {
    callback: (_, msg) => {
      if (msg.string() === "bad") throw new Error("a bug in the callback");
      received.push(msg.string());
    },
  });
  nc.publish("n", "bad");
  await until(() => back === 1, "the client is back");
  nc.publish("n", "good");
  await until(() => received.length === 1, "it continues reading");
  await nc.close();
});

test("an INFO that arrives byte by byte is read in time and with little memory", async () => {
  const line = info({ server_name: "x".repeat(200_000) });
  await using server = await peer((socket) => {
    socket.setNoDelay(true);
    socket.resume();
    let at = 0;
    const more = () => {
      for (let count = 0; count < 200 && at < line.length && !socket.destroyed; count += 1)
        socket.write(line[at++] ?? "");
      if (at < line.length && !socket.destroyed) setImmediate(more);
    };
    more();
  });
  const before = process.memoryUsage();
  const told: string[] = [];
  const stop = new AbortController();
  const hooks: DialTrace = {
    handshakeEvent: ({ name }) => {
      told.push(name);
      if (name === "connect") stop.abort(new Error("INFO was read"));
    },
  };
  const dialer = compose(withTrace(hooks), tcp());
  // A parser that starts over with each byte would copy 20 GB.
  const connecting = connect({ servers: server.address, dialer, signal: stop.signal, timeout: 30_000 });
  await assert.rejects(connecting, { message: "INFO was read" });
  assert.deepEqual(told, ["info", "connect"]);
  const after = process.memoryUsage();
  assert.ok(after.heapUsed + after.external - before.heapUsed - before.external < 64 * 1024 * 1024);
});

test("fields of INFO are one line of at most 256 bytes in hooks and spans", async () => {
  const evil = `n\u001b]0;owned\u0007\r\nforged\u2028${"x".repeat(200_000)}`;
  await using server = await peer((socket) => {
    socket.write(info({ server_name: evil, server_id: evil, cluster: evil, version: `2.10.0-${evil}` }));
    socket.on("data", (data) => {
      if (String(data).includes("PING")) socket.write("PONG\r\n");
    });
  });
  const told: unknown[] = [];
  const hooks: DialTrace = { handshakeDone: ({ protocol }) => told.push(protocol?.attributes) };
  const nc = await connect({
    servers: server.address,
    dialer: compose(withTrace(hooks), tcp()),
    trace: { connect: ({ identity }) => void told.push(identity) },
  });
  await nc.close();
  assert.equal(told.length, 2);
  for (const told_ of told) {
    assert.equal(Object.keys(told_ as object).length, 4);
    for (const text of Object.values(told_ as Record<string, string>)) {
      assert.ok(Buffer.byteLength(text) <= 256);
      assert.match(text, /\\u001b\]0;owned\\u0007\\r\\nforged\\u2028x/);
      assert.doesNotMatch(text, /[\p{Cc}\p{Zl}]/u);
    }
  }
});

for (const [what, lines] of [
  ["in place of INFO", (words: string) => `-ERR '${words}'\r\n`],
  ["in place of PONG", (words: string) => `${info()}-ERR '${words}'\r\n`],
] as const) {
  test(`a server's message ${what} is one line of at most 1 kB in errors and logs`, async () => {
    const words = `\u001b[2J\u0007\roops \u202e${"x".repeat(900_000)}`;
    await using server = await peer((socket) => {
      socket.resume();
      socket.write(lines(words));
    });
    const logged: string[] = [];
    const logger = { info: (line: string) => void logged.push(line), warn: (line: string) => void logged.push(line) };
    const dialer = compose(withLog(logger), withLog(logger, { pretty: true, columns: 80 }), tcp());
    const error: Error = await connect({ servers: server.address, dialer, trace: natsLog(logger) }).then(
      () => assert.fail("it is refused"),
      (error) => error,
    );
    const errors = [error, error.cause, (error.cause as Error | undefined)?.cause].filter(
      (each): each is Error => each instanceof Error,
    );
    assert.ok(errors.length >= 2);
    const texts = [...errors.flatMap(({ message, stack = "" }) => [message, ...stack.split("\n")]), ...logged];
    assert.ok(texts.some((text) => text.includes("oops")));
    for (const text of texts) {
      for (const line of text.split("\n")) {
        assert.doesNotMatch(line, /[\p{Cc}\p{Cf}]/u);
        assert.ok(Buffer.byteLength(line) <= 1100, `${Buffer.byteLength(line)} bytes`);
      }
    }
  });
}
