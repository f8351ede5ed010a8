import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { ClientTrace } from "../../src/client/client-trace.ts";
import { compose, DialError, type Dialer, DialTimeoutError, tcp, withRetry, withTimeout } from "../../src/index.ts";
import { connect, errorName } from "../support/nats-line.ts";
import { natsServer, startNats } from "../support/nats-server.ts";
import { freePort } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";

/** A dialer over `tcp()` that counts its dials. */
function countingDialer(): { dialer: Dialer; dials: string[] } {
  const dials: string[] = [];
  const base = compose(tcp());
  return {
    dials,
    dialer: (target, options) => {
      dials.push(String(target instanceof Object && "host" in target ? target.host : target));
      return base(target, options);
    },
  };
}

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

test("a client publishes, subscribes and requests through the dialer", async () => {
  await using server = await startNats();
  const { dialer, dials } = countingDialer();
  const nc = await connect({ servers: server.address, dialer });
  nc.subscribe("echo", { callback: (_, msg) => void msg.respond(msg.data) });
  const reply = await nc.request("echo", "hello", { timeout: 30_000 });
  assert.equal(reply.string(), "hello");
  assert.equal(dials.length, 1);
  await nc.drain();
});

test("connect works without a dialer option", async () => {
  await using server = await startNats();
  const nc = await connect({ port: server.port });
  await nc.flush();
  await nc.close();
});

test("connect passes host names to the dialer unresolved", async () => {
  await using server = await startNats();
  const { dialer, dials } = countingDialer();
  const nc = await connect({ servers: `localhost:${server.port}`, dialer });
  assert.deepEqual(dials, ["localhost"]);
  await nc.close();
});

test("connect tries the servers of a comma-separated list until one answers", async () => {
  await using server = await startNats();
  const dead = `127.0.0.1:${await freePort()}`;
  const { dialer, dials } = countingDialer();
  const nc = await connect({ servers: `nats://${dead}, nats://${server.address}`, dialer, noRandomize: true });
  assert.equal(nc.getServer(), server.address);
  assert.equal(dials.length, 2);
  await nc.close();
});

test("the dialer's retries reach a server that starts late", async () => {
  await using server = await natsServer();
  const dialer = compose(
    withRetry({ maxAttempts: Number.POSITIVE_INFINITY, backoff: "constant", initialBackoffMs: 20 }),
    tcp(),
  );
  const connected = connect({ servers: server.address, dialer });
  await new Promise((resolve) => setTimeout(resolve, 100));
  await server.start();
  const nc = await connected;
  await nc.flush();
  await nc.close();
});

test("an abort ends the first connect at once with the signal's reason and leaves nothing behind", async () => {
  const dialer = compose(
    withRetry({ maxAttempts: Number.POSITIVE_INFINITY, backoff: "constant", initialBackoffMs: 60_000 }),
    tcp(),
  );
  const abort = new AbortController();
  const reason = new Error("shutting down");
  const connecting = connect({ servers: `127.0.0.1:${await freePort()}`, dialer, signal: abort.signal });
  setTimeout(() => abort.abort(reason), 50);
  await assert.rejects(connecting, (error) => error === reason);
});

test("connect with an aborted signal does not dial", async () => {
  const { dialer, dials } = countingDialer();
  await assert.rejects(connect({ servers: "127.0.0.1:1", dialer, signal: AbortSignal.abort() }), {
    name: "AbortError",
  });
  assert.deepEqual(dials, []);
});

test("connectDeadlineMs limits all servers and delays together", async () => {
  const dialer = compose(
    withRetry({ maxAttempts: Number.POSITIVE_INFINITY, backoff: "constant", initialBackoffMs: 10 }),
    tcp(),
  );
  const servers = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  await assert.rejects(connect({ servers, dialer, connectDeadlineMs: 150, waitOnFirstConnect: true }), (error) => {
    assert.ok(error instanceof DialTimeoutError);
    assert.equal(error.timeoutMs, 150);
    assert.match(error.message, /connect to 127\.0\.0\.1:\d+, 127\.0\.0\.1:\d+ timed out after 150 ms/);
    return true;
  });
});

test("the error of a refused connect has the system's code and names the server", async () => {
  const port = await freePort();
  await assert.rejects(connect({ servers: `127.0.0.1:${port}` }), (error) => {
    assert.ok(error instanceof DialError);
    assert.equal(error.code, "ECONNREFUSED");
    assert.equal(error.reason, "refused");
    assert.equal(error.target, `127.0.0.1:${port}`);
    return true;
  });
});

test("connect uses the user and password, or the token, of a URL", async () => {
  await using withUser = await startNats(["--user", "orders", "--pass", "s%cret/1"]);
  const first = await connect({ servers: `nats://orders:${encodeURIComponent("s%cret/1")}@${withUser.address}` });
  await first.flush();
  await first.close();

  await using withToken = await startNats(["--auth", "t0ken"]);
  const second = await connect({ servers: `nats://t0ken@${withToken.address}` });
  await second.flush();
  await second.close();
});

test("a wrong password fails with the server's message and leaves no socket", async () => {
  await using server = await startNats(["--user", "orders", "--pass", "right"]);
  await assert.rejects(connect({ servers: server.address, user: "orders", pass: "wrong" }), (error) => {
    assert.ok(error instanceof DialError);
    assert.equal(error.reason, "auth_failed");
    assert.equal(error.target, server.address);
    assert.equal(errorName(error.cause), "AuthorizationError");
    return true;
  });
  await until(() => openSockets() === 0, "the refused connection's socket is closed");
});

test("the client's timeout ends a dial as a timeout", async () => {
  await using server = await startNats();
  await server.stop("SIGKILL");
  const seen: string[] = [];
  const dialer = compose(
    withRetry({ maxAttempts: Number.POSITIVE_INFINITY, backoff: "constant", initialBackoffMs: 10 }),
    tcp(),
  );
  const observed: Dialer = (target, options) =>
    dialer(target, options).catch((error) => {
      seen.push(error.name);
      throw error;
    });
  await assert.rejects(connect({ servers: server.address, dialer: observed, timeout: 100 }), {
    name: "DialTimeoutError",
    timeoutMs: 100,
    target: server.address,
  });
  assert.deepEqual(seen, ["DialTimeoutError"]);
});

test("an abort after connecting keeps the connection and ends reconnecting when it is lost", async () => {
  await using server = await startNats();
  const abort = new AbortController();
  const nc = await connect({ servers: server.address, signal: abort.signal });
  abort.abort();
  await nc.flush();
  await server.stop();
  await nc.closed();
  assert.equal(nc.isClosed(), true);
});

test("an abort while reconnecting closes the client at once", async () => {
  await using server = await startNats();
  const abort = new AbortController();
  const states: string[] = [];
  const trace: ClientTrace = { stateChange: ({ state }) => states.push(state) };
  const dialer = compose(
    withTimeout({ timeoutMs: 600_000 }),
    withRetry({ maxAttempts: Number.POSITIVE_INFINITY }),
    tcp(),
  );
  const nc = await connect({
    servers: server.address,
    dialer,
    signal: abort.signal,
    trace,
    maxReconnectAttempts: -1,
    timeout: 600_000,
  });
  await server.stop();
  await until(() => states.includes("reconnecting"), "the loss is noticed");
  abort.abort();
  await nc.closed();
  assert.deepEqual(states, ["connecting", "connected", "reconnecting", "closed"]);
});

test("close during a pending reconnect ends it at once", async () => {
  await using server = await startNats();
  const dialer = compose(
    withRetry({ maxAttempts: Number.POSITIVE_INFINITY, backoff: "constant", initialBackoffMs: 60_000 }),
    tcp(),
  );
  let attempts = 0;
  const nc = await connect({
    servers: server.address,
    dialer,
    timeout: 600_000,
    reconnectTimeWait: 0,
    reconnectJitter: 0,
    trace: {
      reconnectAttempt: () => {
        attempts += 1;
      },
    },
  });
  await server.stop();
  await until(() => attempts > 0, "a reconnect is in progress");
  await nc.close();
  assert.equal(nc.isClosed(), true);
});

const badOptions: [string, object, RegExp][] = [
  ["dialer", { dialer: 1 }, /connect: dialer must be a function, got 1/],
  ["signal", { signal: {} }, /connect: signal must be an AbortSignal, got an object/],
  ["connectDeadlineMs", { connectDeadlineMs: -1 }, /connect: connectDeadlineMs .* got -1/],
  ["trace", { trace: 7 }, /connect: trace must be hooks, an observer or an array of them, got 7/],
  ["an observer among several", { trace: [{}, null] }, /connect: trace must be hooks, .* got null/],
  ["rttIntervalMs", { rttIntervalMs: 0 }, /connect: rttIntervalMs .* got 0/],
  ["retryOnFailedConnect", { retryOnFailedConnect: 1 }, /connect: retryOnFailedConnect must be true or false, got 1/],
  ["connectInBackground", { connectInBackground: "yes" }, /connect: connectInBackground must be true or false/],
  ["reconnectBufSize", { reconnectBufSize: -2 }, /connect: reconnectBufSize must be a number of bytes.* got -2/],
  [
    "a delay that is not a function",
    { reconnectDelayHandler: 5 },
    /connect: reconnectDelayHandler must be a function, got 5/,
  ],
  ["reconnectTimeWait", { reconnectTimeWait: Number.NaN }, /connect: reconnectTimeWait must be .* got NaN/],
  ["a callback", { onLameDuck: true }, /connect: onLameDuck must be a function, got true/],
  ["creds", { creds: 5 }, /connect: creds must be a path or bytes, got 5/],
  ["creds and nkeySeed", { creds: "a", nkeySeed: "b" }, /give creds or nkeySeed, not both/],
  [
    "a seed in place of its path",
    { nkeySeed: `SU${"hunter2".toUpperCase().replace("2", "").repeat(10).slice(0, 56)}` },
    /as a string is a path/,
  ],
  ["servers", { servers: 5 }, /connect: servers must be a string or an array of strings, got 5/],
  ["servers and port", { servers: "a", port: 1 }, /give servers or port, not both/],
  ["a websocket", { servers: "ws://a" }, /websockets are not supported/],
  ["a bad port", { servers: "nats://u:hunter2@a:99999" }, /invalid target "nats:\/\/\*\*\*@a:99999"/],
];
for (const [what, options, message] of badOptions) {
  test(`connect names the invalid option: ${what}`, async () => {
    await assert.rejects(connect(options), (error: Error) => {
      assert.match(error.message, message);
      assert.ok(!error.message.includes("hunter2"));
      return error instanceof TypeError || error instanceof RangeError;
    });
  });
}
