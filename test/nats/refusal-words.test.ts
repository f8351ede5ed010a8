import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { after, test } from "node:test";
import { DialError } from "../../src/index.ts";
import { connecting, measured } from "../support/nats-client.ts";
import { diary } from "../support/nats-diary.ts";
import { natsPeer } from "../support/nats-peer.ts";
import { openSockets, until } from "../support/resources.ts";

const connect = connecting();
after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

const immediately = { reconnectDelayHandler: () => 0, maxReconnectAttempts: -1 };

const words = {
  "Authorization Violation": "auth_failed",
  "User Authentication Expired": "auth_expired",
  "Account Authentication Expired": "auth_expired",
  "User Authentication Revoked": "auth_failed",
  "Authentication Timeout": "auth_failed",
} as const;

/** When a server's refusal may arrive: in place of PONG, or together with it. */
const places: readonly (readonly [string, (socket: Socket, line: string) => void])[] = [
  ["in place of PONG", (socket, line) => socket.end(line)],
  ["right before PONG", (socket, line) => socket.end(`${line}PONG\r\n`)],
  ["right after PONG", (socket, line) => socket.end(`PONG\r\n${line}`)],
  ["right after PONG, without closing", (socket, line) => socket.write(`PONG\r\n${line}`)],
];

for (const [said, reason] of Object.entries(words)) {
  for (const [where, say] of places) {
    test(`-ERR '${said}' ${where} fails the dial with ${reason}, reported once`, async () => {
      await using server = await natsPeer((socket) => say(socket, `-ERR '${said}'\r\n`));
      const { trace, dialer, counted } = measured();
      const { lines, callbacks } = diary();
      await assert.rejects(
        connect({ servers: server.address, dialer, trace, timeout: 5_000, ...callbacks }),
        (error) => error instanceof DialError && error.reason === reason,
      );
      assert.deepEqual(await counted("dialer_attempt_failed_total"), [`error_type=${reason} → 1`]);
      assert.deepEqual(await counted("dialer_connection_established_total"), []);
      assert.deepEqual(await counted("nats_client_errors_total"), ["nats_client_error_kind=auth → 1"]);
      assert.deepEqual(lines, [`closed: ${reason}`]);
    });
  }
}

test("messages published during a refusal right after PONG are sent on the next connection", async () => {
  const published: string[] = [];
  await using server = await natsPeer((socket, nth) => {
    socket.on("data", (bytes) => published.push(...(/PUB \S+ \d+/.exec(bytes.toString()) ?? [])));
    if (nth !== 2) socket.write("PONG\r\n");
    else socket.end("PONG\r\n-ERR 'User Authentication Expired'\r\n");
  });
  const { lines, callbacks } = diary();
  const nc = await connect({ servers: server.address, ...immediately, ...callbacks });
  for (const socket of server.open) socket.destroy();
  await until(() => lines.length > 0, "the connection is lost");
  nc.publish("news", "x");
  await until(() => lines.length > 1, "the client is back or closed");
  assert.deepEqual(lines, ["lost: remote", "back"]);
  await until(() => published.length > 0, "the message arrives");
  assert.deepEqual(published, ["PUB news 1"]);
});

test("two authentication timeouts do not end the client, because they do not refuse the credentials", async () => {
  await using server = await natsPeer((socket, nth) => {
    if (nth === 1 || nth === 5) socket.write("PONG\r\n");
    else socket.end("-ERR 'Authentication Timeout'\r\n");
  });
  const { lines, callbacks } = diary();
  await connect({ servers: server.address, ...immediately, ...callbacks });
  for (const socket of server.open) socket.destroy();
  await until(() => lines.length > 1, "the client is back or closed");
  assert.deepEqual(lines, ["lost: remote", "back"]);
});

test("a loss after an earlier refusal is reported with its own cause", async () => {
  await using server = await natsPeer((socket, nth) => {
    if (nth !== 2) socket.write("PONG\r\n");
    else socket.end("-ERR 'Authorization Violation'\r\n");
  });
  let asked: unknown[] = [];
  const { lines, callbacks } = diary();
  const nc = await connect({
    servers: server.address,
    ...callbacks,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: (_attempt, error) => {
      asked.push(error);
      return 0;
    },
  });
  const lose = () => {
    asked = [];
    for (const socket of server.open) socket.destroy();
  };
  lose();
  await until(() => lines.includes("back"), "the client is back");
  lose();
  await until(() => lines.filter((line) => line === "back").length === 2, "the client is back again");
  assert.ok(!asked.some((error) => /violation/i.test(String(error))), String(asked));
  await nc.close();
});
