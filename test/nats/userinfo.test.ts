import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { ConnectOptions } from "../../src/nats.ts";
import { nkeyUser, operatorMode } from "../support/nats-auth.ts";
import { connecting } from "../support/nats-client.ts";
import { choosesServers } from "../support/nats-line.ts";
import { startNats } from "../support/nats-server.ts";
import { type RecordingPeer, recordingPeer } from "../support/recording-peer.ts";
import { openSockets, until } from "../support/resources.ts";

const connect = connecting();
after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

const fast = { noRandomize: true, reconnectDelayHandler: () => 5, maxReconnectAttempts: -1 };
const { seed, publicKey } = nkeyUser();
const nkeySeed = new TextEncoder().encode(seed);
const creds = new TextEncoder().encode(await (await operatorMode()).creds());

/** Connects to the servers one after the other, and returns the first credentials that each received. */
async function sentTo(peers: readonly RecordingPeer[], servers: string[], options: ConnectOptions) {
  const nc = await connect({ servers, ...fast, ...options });
  for (const peer of peers) {
    await until(() => {
      // Closes all connections until the client reaches this peer.
      if (peer.credentials.length === 0) for (const each of peers) each.hangUp();
      return peer.credentials.length > 0;
    }, `${peer.address} is reached`);
  }
  await nc.close();
  return peers.map((each) => each.credentials[0]);
}

const token = { auth_token: "of the options" };
const user = { user: "options' user", pass: "options' password" };

const kinds: [string, ConnectOptions, Record<string, unknown>][] = [
  ["no credentials", {}, {}],
  ["a token", { token: token.auth_token }, token],
  ["a user and password", user, user],
  ["an nkey", { nkeySeed }, { nkey: publicKey }],
  ["an authenticator", { authenticator: () => user }, user],
];

for (const [what, options, ofOptions] of kinds) {
  test(`with ${what} in the options, a server with userinfo gets its own and a server without gets the options'`, async () => {
    await using a = await recordingPeer();
    await using b = await recordingPeer();
    await using c = await recordingPeer();
    const servers = [`nats://tokA@${a.address}`, b.address, `nats://u:p%20w@${c.address}`];
    const [toA, toB, toC] = await sentTo([a, b, c], servers, options);
    assert.deepEqual(toA, { auth_token: "tokA" });
    assert.deepEqual(toB, ofOptions);
    assert.deepEqual(toC, { user: "u", pass: "p w" });
    for (const each of [a, b, c]) for (const sent of each.credentials) assert.deepEqual(sent, each.credentials[0]);
  });
}

test("a JWT of the options is sent to every server, in addition to userinfo", async () => {
  await using a = await recordingPeer();
  await using b = await recordingPeer();
  const [toA, toB] = await sentTo([a, b], [`nats://tokA@${a.address}`, b.address], { creds });
  assert.deepEqual(Object.keys(toA ?? {}).sort(), ["auth_token", "jwt", "nkey"]);
  assert.equal(toA?.auth_token, "tokA");
  assert.deepEqual(Object.keys(toB ?? {}).sort(), ["jwt", "nkey"]);
});

test("a discovered server gets the userinfo of the server that announced it and no other", async () => {
  await using discovered = await recordingPeer();
  await using a = await recordingPeer(() => ({ connect_urls: [discovered.address] }));
  await using b = await recordingPeer();
  const servers = [`nats://tokA@${a.address}`, `nats://tokB@${b.address}`];
  const [, , toDiscovered] = await sentTo([a, b, discovered], servers, { token: "of the options" });
  assert.deepEqual(toDiscovered, { auth_token: "tokA" });
});

test("a server announced by a server without userinfo gets the options' credentials", async () => {
  await using discovered = await recordingPeer();
  await using a = await recordingPeer(() => ({ connect_urls: [discovered.address] }));
  await using b = await recordingPeer();
  const servers = [a.address, `nats://tokB@${b.address}`];
  const [, , toDiscovered] = await sentTo([a, b, discovered], servers, user);
  assert.deepEqual(toDiscovered, user);
});

test("a configured server keeps its own userinfo when another server announces it", async () => {
  await using b = await recordingPeer();
  await using a = await recordingPeer(() => ({ connect_urls: [b.address] }));
  const [toA, toB] = await sentTo([a, b], [`nats://tokA@${a.address}`, b.address], {});
  assert.deepEqual([toA, toB], [{ auth_token: "tokA" }, {}]);
});

test("servers with different tokens in one string each accept the client", async () => {
  await using a = await startNats(["--auth", "tokA"]);
  await using b = await startNats(["--auth", "tokB"]);
  const nc = await connect({ servers: `nats://tokA@${a.address},nats://tokB@${b.address}`, ...fast });
  const [first, second] = nc.getServer() === a.address ? [a, b] : [b, a];
  await first.stop();
  await until(() => nc.getServer() === second.address && !nc.isClosed(), "the client is on the other server");
  await nc.flush();
  await first.start();
  await second.stop();
  await until(() => nc.getServer() === first.address, "the client is back on the first server");
  await nc.flush();
});

test("setServers gives each new server its own userinfo", {
  skip: !choosesServers && "this client has no setServers",
}, async () => {
  await using a = await recordingPeer();
  await using b = await recordingPeer();
  const nc = await connect({ servers: `nats://tokA@${a.address}`, ...fast });
  (nc as unknown as { setServers(list: string[]): void }).setServers([`nats://tokB@${b.address}`]);
  a.hangUp();
  await until(() => b.credentials.length > 0, "the new server is reached");
  assert.deepEqual(b.credentials[0], { auth_token: "tokB" });
});
