import assert from "node:assert/strict";
import { renameSync, unlinkSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { after, test } from "node:test";
import type { Authenticator } from "@nats-io/transport-node";
import { DialError } from "../../src/index.ts";
import type { ConnectOptions } from "../../src/nats.ts";
import { nkeyUser, operatorMode } from "../support/nats-auth.ts";
import { connecting, measured, noting } from "../support/nats-client.ts";
import { natsPeer } from "../support/nats-peer.ts";
import { startNats } from "../support/nats-server.ts";
import { openSockets, until } from "../support/resources.ts";
import { temporaryFile } from "../support/temporary.ts";

const connect = connecting();
after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Least wait after a refusal, less what timers may be early by. */
const minWaitMs = 1_990;

/** Callbacks that write the life of a client down. A server that reloads its users may hang up without a word. */
function diary() {
  const lines: string[] = [];
  const callbacks: Pick<ConnectOptions, "onDisconnect" | "onReconnect" | "onClosed"> = {
    onDisconnect: ({ reason }) => lines.push(`lost: ${reason}`),
    onReconnect: () => lines.push("back"),
    onClosed: ({ error }) => lines.push(`closed: ${error instanceof DialError ? error.reason : error}`),
  };
  return { lines, callbacks };
}

const passwordOf = (pass: string) => `authorization { user: worker, password: ${pass} }`;
const immediately = { reconnectDelayHandler: () => 0, maxReconnectAttempts: -1 };

test("a JWT that expires while connected, and a file rotated 1.5 s later: the client waits, reads it and is back", async () => {
  const operator = await operatorMode();
  await using server = await startNats([], operator.config);
  const creds = temporaryFile("user.creds", await operator.creds({ expiresInSeconds: 1 }));
  const { lines, callbacks } = diary();
  const nc = await connect({ servers: server.address, creds, ...callbacks });
  await until(() => lines.length > 0, "the credentials expire");
  await sleep(1_500);
  writeFileSync(creds, await operator.creds());
  await until(() => lines.length > 1, "the client is back or closed");
  assert.deepEqual(lines, ["lost: auth_expired", "back"]);
  await nc.flush();
});

test("a JWT that expires and a file rotated after a first refusal at reconnect: the client is back, as with nats.go", async () => {
  const operator = await operatorMode();
  await using server = await startNats([], operator.config);
  const creds = temporaryFile("user.creds", await operator.creds({ expiresInSeconds: 1 }));
  const { lines, callbacks } = diary();
  const { dialer, dials } = noting();
  await connect({ servers: server.address, creds, dialer, ...callbacks });
  await until(() => dials.length === 2, "the old credentials are offered once more", 10_000);
  await sleep(500);
  writeFileSync(creds, await operator.creds());
  await until(() => lines.length > 1, "the client is back or closed", 10_000);
  assert.deepEqual(lines, ["lost: auth_expired", "back"]);
});

test("a creds file that was rotated in time is used without the wait after a refusal", async () => {
  const operator = await operatorMode();
  await using server = await startNats([], operator.config);
  const creds = temporaryFile("user.creds", await operator.creds({ expiresInSeconds: 2 }));
  const outages: number[] = [];
  await connect({
    servers: server.address,
    creds,
    ...immediately,
    onReconnect: ({ outageMs }) => outages.push(outageMs),
  });
  writeFileSync(creds, await operator.creds());
  await until(() => outages.length === 1, "the client is back", 10_000);
  assert.ok((outages[0] ?? Number.NaN) < minWaitMs, `out for ${outages} ms`);
});

test("a creds file that is missing when the old credentials are refused does not end the client", async () => {
  const operator = await operatorMode();
  await using server = await startNats([], operator.config);
  const creds = temporaryFile("user.creds", await operator.creds({ expiresInSeconds: 1 }));
  const { lines, callbacks } = diary();
  const { dialer, dials } = noting();
  await connect({ servers: server.address, creds, dialer, ...callbacks });
  unlinkSync(creds);
  // The first and three that are refused: in nats.go's words, the third refusal would be final.
  await until(() => dials.length === 4, "the old credentials are offered again", 20_000);
  await until(() => openSockets() <= 1, "the last of them is refused");
  writeFileSync(creds, await operator.creds());
  await until(() => lines.length > 1, "the client is back or closed", 10_000);
  assert.deepEqual(lines, ["lost: auth_expired", "back"]);
});

test("credentials that were refused twice and did not change end the client, for their reason", async () => {
  await using server = await startNats([], passwordOf("old"));
  const { lines, callbacks } = diary();
  const { dialer, trace, counted } = measured();
  const nc = await connect({
    servers: server.address,
    user: "worker",
    pass: "old",
    ...immediately,
    ...callbacks,
    dialer,
    trace,
  });
  server.configure(passwordOf("new"));
  server.signal("SIGHUP");
  const error = await nc.closed();
  assert.ok(error instanceof DialError);
  assert.equal(error.reason, "auth_failed");
  assert.deepEqual(lines.slice(1), ["closed: auth_failed"]);
  assert.deepEqual(await counted("dialer_attempts_failed_total"), ["error_type=auth_failed → 2"]);
});

for (const [what, optionsOf] of [
  [
    "password of a function",
    (now: () => string): Partial<ConnectOptions> => ({ authenticator: () => ({ user: "worker", pass: now() }) }),
  ],
  [
    "password of one authenticator among several",
    (now) => ({ authenticator: [() => ({ user: "worker" }), () => ({ pass: now() })] as Authenticator[] }),
  ],
] as const satisfies readonly (readonly [string, (now: () => string) => Partial<ConnectOptions>])[]) {
  test(`a ${what} that changes between refusals does not end the client`, async () => {
    await using server = await startNats([], passwordOf("p1"));
    const { lines, callbacks } = diary();
    let offered = 0;
    // The right one comes fifth: at the first connect, then a wrong one three times, then the new one.
    const passwords = ["p1", "p2", "p3", "p4", "p5"];
    const now = () => passwords[offered++] ?? "none left";
    await connect({ servers: server.address, ...optionsOf(now), ...immediately, ...callbacks });
    server.configure(passwordOf("p5"));
    server.signal("SIGHUP");
    await until(() => lines.length > 1, "the client is back or closed", 20_000);
    assert.deepEqual(lines.slice(1), ["back"]);
    assert.equal(offered, 5);
  });
}

test("a token of a function that changes between refusals lets a first connect that is retried in", async () => {
  await using server = await startNats(["--auth", "t4"]);
  let offered = 0;
  const authenticator = () => ({ auth_token: `t${++offered}` });
  await connect({ servers: server.address, authenticator, retryOnFailedConnect: true, ...immediately });
  assert.equal(offered, 4);
});

test("a first connect that is retried ends when the server refuses the same password twice", async () => {
  await using server = await startNats([], passwordOf("right"));
  const { dialer, dials } = noting();
  const options = { servers: server.address, user: "worker", pass: "wrong", dialer };
  await assert.rejects(
    connect({ ...options, retryOnFailedConnect: true, ...immediately }),
    (error) => error instanceof DialError && error.reason === "auth_failed",
  );
  assert.equal(dials.length, 2);
  const [first, second] = dials;
  assert.ok((second?.at ?? 0) - (first?.at ?? 0) >= minWaitMs, "it waits before it offers the same again");
});

test("an nkey seed file that is replaced after the server refused the old one brings the client back", async () => {
  const [old, rotated] = [nkeyUser(), nkeyUser()];
  const configOf = (key: string) => `authorization { users: [ { nkey: ${key} } ] }`;
  await using server = await startNats([], configOf(old.publicKey));
  const nkeySeed = temporaryFile("user.nk", old.seed);
  const { lines, callbacks } = diary();
  await connect({ servers: server.address, nkeySeed, ...immediately, ...callbacks });
  server.configure(configOf(rotated.publicKey));
  server.signal("SIGHUP");
  await until(() => lines.length > 0, "the old nkey is revoked");
  await sleep(1_000);
  writeFileSync(`${nkeySeed}.new`, rotated.seed);
  renameSync(`${nkeySeed}.new`, nkeySeed);
  await until(() => lines.length > 1, "the client is back or closed");
  assert.deepEqual(lines.slice(1), ["back"]);
});

test("ignoreAuthErrorAbort offers the same credentials for as long as attempts are left", async () => {
  await using server = await startNats([], passwordOf("old"));
  const { lines, callbacks } = diary();
  const { dialer, dials } = noting();
  const options = { user: "worker", pass: "old", ignoreAuthErrorAbort: true, ...immediately, ...callbacks, dialer };
  await connect({ servers: server.address, ...options });
  server.configure(passwordOf("new"));
  server.signal("SIGHUP");
  await until(() => dials.length === 4, "the client tries three times", 20_000);
  server.configure(passwordOf("old"));
  server.signal("SIGHUP");
  await until(() => lines.length > 1, "the client is back or closed", 20_000);
  assert.deepEqual(lines.slice(1), ["back"]);
});

test("a server that refuses a password does not hold the client back from another server", async () => {
  await using closed = await startNats([], passwordOf("old"));
  await using open = await startNats([], passwordOf("old"));
  const back: { server: string; outageMs: number }[] = [];
  await connect({
    servers: [closed.address, open.address],
    noRandomize: true,
    user: "worker",
    pass: "old",
    ...immediately,
    onReconnect: (info) => back.push(info),
  });
  closed.configure(passwordOf("new"));
  closed.signal("SIGHUP");
  await until(() => back.length > 0, "the client is on the other server");
  assert.equal(back[0]?.server, open.address);
  assert.ok((back[0]?.outageMs ?? Number.NaN) < minWaitMs, `out for ${back[0]?.outageMs} ms`);
});

const words = {
  "Authorization Violation": "auth_failed",
  "User Authentication Expired": "auth_expired",
  "Account Authentication Expired": "auth_expired",
  "User Authentication Revoked": "auth_failed",
  "Authentication Timeout": "auth_failed",
} as const;

/** How a server's refusal may come: in place of PONG, or with it. */
const places: readonly (readonly [string, (socket: Socket, line: string) => void])[] = [
  ["in place of PONG", (socket, line) => socket.end(line)],
  ["in front of PONG", (socket, line) => socket.end(`${line}PONG\r\n`)],
  ["right behind PONG", (socket, line) => socket.end(`PONG\r\n${line}`)],
  ["right behind PONG, and the server does not hang up", (socket, line) => socket.write(`PONG\r\n${line}`)],
];

for (const [said, reason] of Object.entries(words)) {
  for (const [where, say] of places) {
    test(`-ERR '${said}' ${where} fails the dial with ${reason}, once`, async () => {
      await using server = await natsPeer((socket) => say(socket, `-ERR '${said}'\r\n`));
      const { trace, dialer, counted } = measured();
      const { lines, callbacks } = diary();
      await assert.rejects(
        connect({ servers: server.address, dialer, trace, timeout: 5_000, ...callbacks }),
        (error) => error instanceof DialError && error.reason === reason,
      );
      assert.deepEqual(await counted("dialer_attempts_failed_total"), [`error_type=${reason} → 1`]);
      assert.deepEqual(await counted("dialer_connections_established_total"), []);
      assert.deepEqual(await counted("nats_client_errors_total"), ["kind=auth → 1"]);
      assert.deepEqual(lines, [`closed: ${reason}`]);
    });
  }
}

test("a refusal right behind PONG keeps what was published meanwhile for the next connection", async () => {
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

test("an authentication timeout said twice does not end the client: it tells of a slow server, not of credentials", async () => {
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

test("a loss after a refusal that was overcome is told by its own cause", async () => {
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
