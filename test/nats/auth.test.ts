import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { DialError, type Reason } from "../../src/index.ts";
import type { ConnectOptions } from "../../src/nats.ts";
import { deniedConfig, expiresSoon, nkeyUser, operatorMode } from "../support/nats-auth.ts";
import { connecting, eager, measured, noting } from "../support/nats-client.ts";
import { errorName } from "../support/nats-line.ts";
import { startNats } from "../support/nats-server.ts";
import { openSockets, until } from "../support/resources.ts";
import { temporaryFile } from "../support/temporary.ts";

const connect = connecting();
after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

/** Makes a round trip and checks that nothing has failed. */
async function letIn(options: ConnectOptions): Promise<void> {
  const { dialer, trace, counted } = measured();
  const nc = await connect({ ...options, dialer, trace });
  nc.subscribe("echo", { callback: (_, msg) => void msg.respond(msg.data) });
  assert.equal((await nc.request("echo", "hello", { timeout: 30_000 })).string(), "hello");
  await nc.close();
  assert.deepEqual(await counted("dialer_attempt_failed_total"), []);
  assert.deepEqual(await counted("nats_client_errors_total"), []);
}

/** Expects a first connect to fail with `reason`, counted exactly once. */
async function turnedAway(options: ConnectOptions, reason: Reason, cause?: string): Promise<void> {
  const { dialer, trace, counted } = measured();
  await assert.rejects(connect({ ...options, dialer, trace }), (error) => {
    assert.ok(error instanceof DialError, String(error));
    assert.equal(error.reason, reason);
    if (cause !== undefined) assert.equal(errorName(error.cause), cause);
    return true;
  });
  assert.deepEqual(await counted("dialer_attempt_failed_total"), [`error_type=${reason} → 1`]);
  assert.deepEqual(await counted("dialer_attempt_started_total"), [" → 1"]);
  assert.deepEqual(await counted("dialer_connection_established_total"), []);
  assert.deepEqual(await counted("nats_client_disconnects_total"), []);
  assert.deepEqual(await counted("nats_client_connection_status"), ["nats_client_state=closed → 1"]);
  await until(() => openSockets() === 0, "the refused connection's socket is closed");
}

test("connect accepts user and password as options and in the URL", async () => {
  await using server = await startNats(["--user", "orders", "--pass", "s%cret/1"]);
  await letIn({ servers: server.address, user: "orders", pass: "s%cret/1" });
  await letIn({ servers: `nats://orders:${encodeURIComponent("s%cret/1")}@${server.address}` });
});

test("connect accepts a token as an option and in the URL", async () => {
  await using server = await startNats(["--auth", "t0ken"]);
  await letIn({ servers: server.address, token: "t0ken" });
  await letIn({ servers: `nats://t0ken@${server.address}` });
});

test("connect accepts an nkey seed as a file and as bytes", async () => {
  const { publicKey, seed } = nkeyUser();
  await using server = await startNats([], `authorization { users: [ { nkey: ${publicKey} } ] }`);
  await letIn({ servers: server.address, nkeySeed: temporaryFile("user.nk", `${seed}\n`) });
  await letIn({ servers: server.address, nkeySeed: new TextEncoder().encode(seed) });
});

test("connect accepts a creds file of an operator's user by path and as bytes", async () => {
  const operator = await operatorMode();
  await using server = await startNats([], operator.config);
  const creds = await operator.creds();
  await letIn({ servers: server.address, creds: temporaryFile("user.creds", creds) });
  await letIn({ servers: server.address, creds: new TextEncoder().encode(creds) });
});

test("a wrong password fails with auth_failed, reported once", async () => {
  await using server = await startNats(["--user", "orders", "--pass", "right"]);
  const { address } = server;
  await turnedAway({ servers: address, user: "orders", pass: "wrong" }, "auth_failed", "AuthorizationError");
  await turnedAway({ servers: `nats://orders:wrong@${address}` }, "auth_failed", "AuthorizationError");
  await turnedAway({ servers: address }, "auth_failed", "AuthorizationError");
});

test("a wrong token fails with auth_failed, reported once", async () => {
  await using server = await startNats(["--auth", "right"]);
  await turnedAway({ servers: server.address, token: "wrong" }, "auth_failed", "AuthorizationError");
});

test("an unknown nkey fails with auth_failed, reported once", async () => {
  await using server = await startNats([], `authorization { users: [ { nkey: ${nkeyUser().publicKey} } ] }`);
  const nkeySeed = new TextEncoder().encode(nkeyUser().seed);
  await turnedAway({ servers: server.address, nkeySeed }, "auth_failed", "AuthorizationError");
});

test("expired credentials fail the connect with auth_failed, reported once", async () => {
  const operator = await operatorMode();
  await using server = await startNats([], operator.config);
  const creds = temporaryFile("user.creds", await operator.creds({ expiresInSeconds: -60 }));
  await turnedAway({ servers: server.address, creds }, "auth_failed", "AuthorizationError");
});

test("another operator's credentials fail with auth_failed, reported once", async () => {
  const [operator, stranger] = [await operatorMode(), await operatorMode()];
  await using server = await startNats([], operator.config);
  const creds = new TextEncoder().encode(await stranger.creds());
  await turnedAway({ servers: server.address, creds }, "auth_failed", "AuthorizationError");
});

test("invalid credentials fail the connect without a dial", async () => {
  await using server = await startNats();
  const { dialer, dials } = noting();
  const broken = "no credentials";
  for (const creds of [temporaryFile("user.creds", broken), new TextEncoder().encode(broken)]) {
    await assert.rejects(
      connect({ servers: server.address, creds, dialer }),
      /connect: creds .*no readable credentials/,
    );
  }
  assert.deepEqual(dials, []);
});

test("exceeding the server's connection limit fails with server_limit, reported once", async () => {
  await using server = await startNats([], "max_connections: 1");
  // The server may still count the connection that awaited its start.
  const nc = await connect({ servers: server.address, retryOnFailedConnect: true, ...eager });
  const { dialer, trace, counted } = measured();
  await assert.rejects(
    connect({ servers: server.address, dialer, trace }),
    (error) => error instanceof DialError && error.reason === "server_limit",
  );
  assert.deepEqual(await counted("dialer_attempt_failed_total"), ["error_type=server_limit → 1"]);
  await nc.close();
});

test("exceeding the account's connection limit fails with server_limit, reported once", async () => {
  const operator = await operatorMode({ connections: 1 });
  await using server = await startNats([], operator.config);
  const creds = new TextEncoder().encode(await operator.creds());
  const nc = await connect({ servers: server.address, creds });
  const { dialer, trace, counted } = measured();
  await assert.rejects(
    connect({ servers: server.address, creds, dialer, trace }),
    (error) => error instanceof DialError && error.reason === "server_limit",
  );
  assert.deepEqual(await counted("dialer_attempt_failed_total"), ["error_type=server_limit → 1"]);
  await nc.close();
});

for (const [what, kind, act] of [
  ["publishing", "permission_publish", "publish"],
  ["subscribing", "permission_subscribe", "subscribe"],
] as const) {
  test(`${what} without permission is ${kind}, reported once, and the connection stays`, async () => {
    await using server = await startNats([], deniedConfig);
    const { dialer, trace, counted } = measured();
    const told: string[] = [];
    const nc = await connect({
      servers: server.address,
      user: "worker",
      pass: "work",
      dialer,
      trace,
      onError: (info) => told.push(`${info.kind}: ${errorName(info.error)}`),
    });
    if (act === "publish") nc.publish("secret.plan", "x");
    else nc.subscribe("secret.plan", { callback() {} });
    await nc.flush();
    assert.deepEqual(told, [`${kind}: PermissionViolationError`]);
    assert.deepEqual(await counted("nats_client_errors_total"), [`nats_client_error_kind=${kind} → 1`]);
    assert.deepEqual(await counted("dialer_attempt_failed_total"), []);
    assert.deepEqual(await counted("nats_client_disconnects_total"), []);
    assert.deepEqual(await counted("nats_client_connection_status"), ["nats_client_state=connected → 1"]);
    await nc.close();
  });
}

test("credentials that expire while connected are auth_expired once, and a rotated file reconnects the client", async () => {
  const operator = await operatorMode();
  await using server = await startNats([], operator.config);
  const rotated = await operator.creds();
  const creds = temporaryFile("user.creds", await operator.creds(expiresSoon));
  const { dialer, trace, counted } = measured();
  const told: string[] = [];
  const nc = await connect({
    servers: server.address,
    creds,
    dialer,
    trace,
    ...eager,
    onConnect: () => writeFileSync(creds, rotated),
    onDisconnect: ({ reason, error }) => told.push(`lost: ${reason}: ${error && errorName(error)}`),
    onReconnect: () => told.push("back"),
  });
  const received: string[] = [];
  nc.subscribe("news", { callback: (_, msg) => void received.push(msg.string()) });
  await until(() => told.includes("back"), "the client is back");
  nc.publish("news", "after");
  await nc.flush();
  assert.deepEqual(received, ["after"]);
  assert.deepEqual(told, ["lost: auth_expired: UserAuthenticationExpiredError", "back"]);
  assert.deepEqual(await counted("nats_client_disconnects_total"), ["nats_client_disconnect_reason=auth_expired → 1"]);
  assert.deepEqual(await counted("nats_client_errors_total"), ["nats_client_error_kind=auth → 1"]);
  assert.deepEqual(await counted("nats_client_reconnect_succeeded_total"), [" → 1"]);
  assert.deepEqual(await counted("dialer_attempt_failed_total"), []);
  assert.deepEqual(await counted("nats_client_connection_status"), ["nats_client_state=connected → 1"]);
  await nc.close();
});

test("the client gives up with auth_expired if expired credentials are not rotated", async () => {
  const operator = await operatorMode();
  await using server = await startNats([], operator.config);
  const creds = temporaryFile("user.creds", await operator.creds(expiresSoon));
  const { dialer, trace, counted } = measured();
  const nc = await connect({
    servers: server.address,
    creds,
    dialer,
    trace,
    // Credentials expire by whole seconds: within the last second the server would accept them again.
    reconnectDelayHandler: () => 1_100,
  });
  const error = await nc.closed();
  assert.ok(error instanceof DialError);
  assert.equal(error.reason, "auth_failed");
  // As in Go, the client gives up after two equal refusals. The first message is about the expiry.
  assert.deepEqual(await counted("nats_client_disconnects_total"), ["nats_client_disconnect_reason=auth_expired → 1"]);
  assert.deepEqual(await counted("dialer_attempt_failed_total"), ["error_type=auth_failed → 2"]);
  assert.deepEqual(await counted("nats_client_connection_status"), ["nats_client_state=closed → 1"]);
});
