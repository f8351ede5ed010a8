import assert from "node:assert/strict";
import { renameSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import type { Authenticator } from "@nats-io/transport-node";
import { DialError } from "../../src/index.ts";
import type { ConnectOptions } from "../../src/nats.ts";
import { nkeyUser } from "../support/nats-auth.ts";
import { connecting, measured, noting } from "../support/nats-client.ts";
import { diary, minWaitMs } from "../support/nats-diary.ts";
import { startNats } from "../support/nats-server.ts";
import { openSockets, until } from "../support/resources.ts";
import { temporaryFile } from "../support/temporary.ts";
import { clientDelays } from "./client-delays.ts";

const connect = connecting();
after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

const passwordOf = (pass: string) => `authorization { user: worker, password: ${pass} }`;
const immediately = { reconnectDelayHandler: () => 0, maxReconnectAttempts: -1 };

test("credentials that are refused twice unchanged end the client with auth_failed", async () => {
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
  assert.equal(lines.at(-1), "closed: auth_failed");
  assert.deepEqual(await counted("dialer_attempt_failed_total"), ["error_type=auth_failed → 2"]);
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
    // p1 at the first connect, then three wrong passwords, then the new one.
    const passwords = ["p1", "p2", "p3", "p4", "p5"];
    const now = () => passwords[offered++] ?? "none left";
    await connect({ servers: server.address, ...optionsOf(now), ...immediately, ...callbacks });
    server.configure(passwordOf("p5"));
    server.signal("SIGHUP");
    await until(() => lines.length > 1, "the client is back or closed");
    assert.deepEqual(lines.slice(1), ["back"]);
    assert.equal(offered, 5);
  });
}

test("a first connect with retryOnFailedConnect succeeds with a token that changes between refusals", async () => {
  await using server = await startNats(["--auth", "t4"]);
  let offered = 0;
  const authenticator = () => ({ auth_token: `t${++offered}` });
  await connect({ servers: server.address, authenticator, retryOnFailedConnect: true, ...immediately });
  assert.equal(offered, 4);
});

test("a first connect with retryOnFailedConnect ends when the same password is refused twice", async () => {
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

test("a client reconnects with an nkey seed file that is replaced after a refusal", async () => {
  const [old, rotated] = [nkeyUser(), nkeyUser()];
  const configOf = (key: string) => `authorization { users: [ { nkey: ${key} } ] }`;
  await using server = await startNats([], configOf(old.publicKey));
  const nkeySeed = temporaryFile("user.nk", old.seed);
  const replaceSeed = () => {
    writeFileSync(`${nkeySeed}.new`, rotated.seed);
    renameSync(`${nkeySeed}.new`, nkeySeed);
  };
  const { lines, refusals, callbacks } = diary();
  await connect({
    servers: server.address,
    nkeySeed,
    ...immediately,
    ...callbacks,
    onError(info) {
      callbacks.onError?.(info);
      // The client's wait of 2 s begins here.
      if (refusals.length === 1) setTimeout(replaceSeed, 500);
    },
  });
  server.configure(configOf(rotated.publicKey));
  server.signal("SIGHUP");
  await until(() => lines.length > 1, "the client is back or closed");
  assert.deepEqual(lines.slice(1), ["back"]);
});

test("ignoreAuthErrorAbort offers the same credentials while attempts are left", async () => {
  await using server = await startNats([], passwordOf("old"));
  const { lines, refusals, callbacks } = diary();
  const options = { user: "worker", pass: "old", ignoreAuthErrorAbort: true, ...immediately, ...callbacks };
  await connect({ servers: server.address, ...options });
  server.configure(passwordOf("new"));
  server.signal("SIGHUP");
  await until(() => refusals.length >= 3, "the client is refused three times");
  lines.length = 0;
  server.configure(passwordOf("old"));
  server.signal("SIGHUP");
  await until(() => lines.length > 0, "the client is back or closed");
  assert.deepEqual(lines, ["back"]);
});

test("with ignoreAuthErrorAbort a shorter reconnectTimeWait is the wait after a refusal", async (t) => {
  await using server = await startNats([], passwordOf("old"));
  const { dialer, dials } = noting();
  const delays = clientDelays(t);
  const pace = { reconnectTimeWait: 20, reconnectJitter: 0, maxReconnectAttempts: 4 };
  const nc = await connect({
    servers: server.address,
    user: "worker",
    pass: "old",
    ignoreAuthErrorAbort: true,
    ...pace,
    dialer,
  });
  server.configure(passwordOf("new"));
  server.signal("SIGHUP");
  await nc.closed();
  const [first, second, third, last] = dials.slice(1).map(({ at }) => at);
  assert.ok(first !== undefined && second !== undefined && third !== undefined && last !== undefined);
  // Never immediate, and far below the 2 s for clients that a second refusal would end.
  const waits = [second - first, third - second, last - third];
  assert.ok(Math.min(...waits) >= 45, waits.join());
  assert.ok(delays.length >= 3 && Math.max(...delays) < minWaitMs / 2, delays.join());
});

test("a server that refuses a password does not delay a reconnect to another server", async (t) => {
  await using closed = await startNats([], passwordOf("old"));
  await using open = await startNats([], passwordOf("old"));
  const delays = clientDelays(t);
  const back: string[] = [];
  await connect({
    servers: [closed.address, open.address],
    noRandomize: true,
    user: "worker",
    pass: "old",
    ...immediately,
    onReconnect: ({ server }) => back.push(server),
  });
  closed.configure(passwordOf("new"));
  closed.signal("SIGHUP");
  await until(() => back.length > 0, "the client is on the other server");
  assert.deepEqual(back, [open.address]);
  assert.ok(delays.length > 0 && Math.max(...delays) < minWaitMs / 2, delays.join());
});
