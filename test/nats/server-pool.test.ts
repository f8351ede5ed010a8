import assert from "node:assert/strict";
import { after, test } from "node:test";
import { compose, DialError, type Dialer, DialTimeoutError, type Reason, tcp } from "../../src/index.ts";
import type { ConnectOptions } from "../../src/nats.ts";
import { connecting, noting } from "../support/nats-client.ts";
import { natsServer, startNats } from "../support/nats-server.ts";
import { freePort, peer, silentPeer } from "../support/peers.ts";
import { recordingPeer } from "../support/recording-peer.ts";
import { openSockets, until } from "../support/resources.ts";
import { stoppedClock } from "./stopped-clock.ts";

const connect = connecting();
after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

const fast = { noRandomize: true, reconnectDelayHandler: () => 5, maxReconnectAttempts: -1 };
const dead = async () => `127.0.0.1:${await freePort()}`;
const refusing = () => recordingPeer(undefined, (socket) => socket.end("-ERR 'Authorization Violation'\r\n"));

async function failure(options: ConnectOptions): Promise<DialError> {
  const thrown = await connect(options).then(
    () => assert.fail("connected"),
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof DialError, String(thrown));
  return thrown;
}

test("a server that was down at the first connect is used for a later reconnect", async () => {
  await using a = await natsServer();
  await using b = await startNats();
  const nc = await connect({ servers: [a.address, b.address], ...fast });
  assert.equal(nc.getServer(), b.address);
  await a.start();
  await b.stop();
  await until(() => nc.getServer() === a.address, "the client is on the first server");
  await nc.flush();
});

for (const maxReconnectAttempts of [-1, 0, 1, 2]) {
  test(`with maxReconnectAttempts ${maxReconnectAttempts} connect dials every server before it rejects`, async () => {
    await using last = await startNats();
    const down = [await dead(), await dead(), await dead()];
    const { dialer, dials } = noting();
    const nc = await connect({ servers: [...down, last.address], ...fast, dialer, maxReconnectAttempts });
    assert.equal(nc.getServer(), last.address);
    assert.deepEqual(
      dials.map((each) => each.server),
      [...down, last.address],
    );
  });

  test(`with maxReconnectAttempts ${maxReconnectAttempts} a connect dials each server once when all are down`, async () => {
    const down = [await dead(), await dead(), await dead()];
    const { dialer, dials } = noting();
    await failure({ servers: down, ...fast, dialer, maxReconnectAttempts });
    assert.deepEqual(
      dials.map((each) => each.server),
      down,
    );
  });
}

test("two servers that refuse the credentials do not prevent a dial to the third", async () => {
  await using a = await refusing();
  await using b = await refusing();
  await using c = await startNats();
  const nc = await connect({ servers: [a.address, b.address, c.address], ...fast });
  assert.equal(nc.getServer(), c.address);
});

test("a server announced by a refusing server is dialed before connect rejects", async () => {
  await using discovered = await startNats();
  const told = () => ({ connect_urls: [discovered.address] });
  await using a = await recordingPeer(told, (socket) => socket.end("-ERR 'Authorization Violation'\r\n"));
  const nc = await connect({ servers: a.address, ...fast });
  assert.equal(nc.getServer(), discovered.address);
});

test("the error of a connect names each server, and its reason is one that requires human action", async () => {
  await using a = await refusing();
  await using b = await peer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  const [first, last] = [await dead(), await dead()];
  const error = await failure({ servers: [first, a.address, last], ...fast });
  assert.equal(error.reason, "auth_failed");
  assert.deepEqual(
    error.targets.map(({ target, reason }) => [target, reason]),
    [
      [first, "refused"],
      [a.address, "auth_failed"],
      [last, "refused"],
    ],
  );
  for (const { target, reason, error: own } of error.targets) {
    assert.ok(error.message.includes(`${target}: ${reason}`), error.message);
    assert.ok(own instanceof DialError && own.target === target);
  }
  const protocol = await failure({ servers: [b.address, last, first], ...fast });
  assert.equal(protocol.reason, "protocol");
});

test("the error of a connect to one server is that server's own", async () => {
  const server = await dead();
  const error = await failure({ servers: server, ...fast });
  assert.equal(error.target, server);
  assert.deepEqual(error.targets, []);
  assert.equal(error.message, `dial ${server}: connect ECONNREFUSED ${server}`);
});

test("the error of a connect to many servers names some in the message and all in targets", async () => {
  const down = await Promise.all(Array.from({ length: 20 }, dead));
  const error = await failure({ servers: down, ...fast });
  assert.equal(error.targets.length, 20);
  assert.match(error.message, /and 12 more/);
  assert.ok(error.message.length < 2_000);
});

test("a client that gives up reconnecting is closed with the reasons of all its servers", async () => {
  await using a = await startNats();
  await using b = await refusing();
  const closedWith: unknown[] = [];
  const nc = await connect({
    servers: [a.address, b.address],
    ...fast,
    maxReconnectAttempts: 1,
    onClosed: ({ error }) => closedWith.push(error),
  });
  await a.stop();
  const error = await nc.closed();
  assert.ok(error instanceof DialError, String(error));
  assert.equal(closedWith[0], error);
  assert.deepEqual(
    error.targets.map(({ target, reason }) => `${target} ${reason}`).sort(),
    [`${a.address} refused`, `${b.address} auth_failed`].sort(),
  );
  assert.equal(error.reason, "auth_failed");
});

test("the error of frozen and refusing servers lists both, and is a timeout only if the timeout decides", async (t) => {
  await using still = await silentPeer();
  const down = await dead();
  const clock = stoppedClock(t);
  const failing = async (servers: string[], connections: number) => {
    const failed = failure({ servers, ...fast, timeout: 100 });
    await until(() => still.accepted === connections, "the frozen server is dialed");
    await clock.advance(100);
    return failed;
  };
  const refused = await failing([still.address, down], 1);
  assert.deepEqual(
    refused.targets.map((each) => each.reason),
    ["timeout", "refused"] satisfies Reason[],
  );
  assert.equal(refused.reason, "refused");
  const timeout = await failing([down, still.address], 2);
  assert.ok(timeout instanceof DialTimeoutError);
  assert.equal(timeout.reason, "timeout");
});

test("retryOnFailedConnect continues with every server of the list", async () => {
  await using late = await natsServer();
  const { dialer, dials } = noting();
  const down = await dead();
  const connected = connect({ servers: [down, late.address], ...fast, dialer, retryOnFailedConnect: true });
  await until(() => dials.length >= 6, "it continues");
  await late.start();
  const nc = await connected;
  assert.equal(nc.getServer(), late.address);
  assert.ok(dials.filter((each) => each.server === down).length >= 3);
});

test("a dialer that fails at once does not starve timers", async () => {
  await using server = await startNats();
  const base = compose(tcp());
  let broken = false;
  let dials = 0;
  const dialer: Dialer = (target, options) => {
    dials += 1;
    if (broken) throw new Error("broken at once");
    return base(target, options);
  };
  const nc = await connect({ servers: server.address, ...fast, reconnectDelayHandler: () => 0, dialer });
  broken = true;
  await nc.reconnect();
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  await until(() => dials > 50, "it continues its attempts");
  clearInterval(timer);
  assert.ok(turns > 10, `${turns} turns of a timer in ${dials} dials`);
  broken = false;
  await until(() => nc.getServer() === server.address && openSockets() > 0, "the client is back");
  await nc.flush();
});
