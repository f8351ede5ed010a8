import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { link, mkdtemp, open, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { nkeys } from "@nats-io/transport-node";
import { fileCredentials } from "../../src/nats/credentials.ts";
import { transportNode } from "../../src/nats/nats-library-v3.ts";
import { connect } from "../support/nats-line.ts";
import { startNats } from "../support/nats-server.ts";
import { openSockets, until } from "../support/resources.ts";

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "dialtrace-creds-"));
});
after(async () => {
  await rm(folder, { recursive: true, force: true });
  await until(() => openSockets() === 0, "no test may leave a socket open");
});

const nkeyServer = (publicKeys: readonly string[]) =>
  startNats([], `authorization { users: [${publicKeys.map((key) => `{ nkey: ${key} }`).join(", ")}] }`);

test("nkeySeed accepts bytes and a file with a line end", async () => {
  const user = nkeys.createUser();
  await using server = await nkeyServer([user.getPublicKey()]);
  const first = await connect({ servers: server.address, nkeySeed: user.getSeed() });
  await first.close();
  const path = join(folder, "user.nk");
  await writeFile(path, `${Buffer.from(user.getSeed())}\n`);
  const second = await connect({ servers: server.address, nkeySeed: path });
  await second.close();
});

test("a rotated creds file is read at the next connect", async () => {
  const [old, rotated] = [nkeys.createUser(), nkeys.createUser()];
  await using server = await nkeyServer([old.getPublicKey()]);
  const path = join(folder, "rotated.nk");
  await writeFile(path, old.getSeed());
  let back = 0;
  const nc = await connect({
    servers: server.address,
    nkeySeed: path,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => 10,
    onReconnect: () => {
      back += 1;
    },
  });
  await server.stop();
  await writeFile(path, rotated.getSeed());
  server.configure(`authorization { users: [{ nkey: ${rotated.getPublicKey()} }] }`);
  await server.start();
  await until(() => back === 1, "the client is back with the new seed");
  await nc.close();
});

test("a read that takes longer than a later one does not bring back the old credentials", async () => {
  const [old, rotated] = [nkeys.createUser(), nkeys.createUser()];
  const [path, pipe, next] = ["slow.nk", "slow.pipe", "slow.next"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const credentials = fileCredentials(transportNode, { nkeySeed: path });
  const offered = () => (credentials?.authenticator("nonce") as { nkey?: string } | undefined)?.nkey;
  await writeFile(path, old.getSeed());
  await credentials?.refresh();
  assert.equal(offered(), old.getPublicKey());
  // A pipe: its read ends when something is written to it, here after the file has been replaced.
  execFileSync("mkfifo", [pipe]);
  await rm(path);
  await link(pipe, path);
  const slow = credentials?.refresh();
  const writing = await open(pipe, "w");
  await writeFile(next, rotated.getSeed());
  await rename(next, path);
  await credentials?.refresh();
  assert.equal(offered(), rotated.getPublicKey());
  await writing.write(old.getSeed());
  await writing.close();
  await slow;
  assert.equal(offered(), rotated.getPublicKey());
});

test("the last readable credentials are used while the file is missing or half written", async () => {
  const user = nkeys.createUser();
  const path = join(folder, "flaky.nk");
  await writeFile(path, user.getSeed());
  const credentials = fileCredentials(transportNode, { nkeySeed: path });
  assert.ok(credentials !== undefined);
  const nkeyIn = () => (credentials.authenticator("nonce") as { nkey: string }).nkey;
  await credentials.refresh();
  const nkey = nkeyIn();
  assert.equal(nkey, user.getPublicKey());
  await writeFile(path, "SUA");
  await credentials.refresh();
  assert.equal(nkeyIn(), nkey);
  await rename(path, `${path}.away`);
  await credentials.refresh();
  assert.equal(nkeyIn(), nkey);
});

test("the error for a creds file that is missing or invalid names the path and not the content", async () => {
  await using server = await startNats();
  const missing = join(folder, "missing.creds");
  await assert.rejects(connect({ servers: server.address, creds: missing }), {
    name: "DialError",
    reason: "config",
    message: `connect: creds ${missing}: ENOENT: no such file or directory, open '${missing}'`,
  });
  const bad = join(folder, "bad.creds");
  await writeFile(bad, "-----BEGIN NATS USER JWT-----\nhunter2\n");
  await assert.rejects(connect({ servers: server.address, creds: bad }), (error: Error) => {
    assert.equal(error.message, `connect: creds ${bad}: contains no readable credentials`);
    return !JSON.stringify(error).includes("hunter2");
  });
});

test("a first connect with retryOnFailedConnect waits for a missing creds file", async () => {
  const user = nkeys.createUser();
  await using server = await nkeyServer([user.getPublicKey()]);
  const path = join(folder, "late.nk");
  let waits = 0;
  const connected = connect({
    servers: server.address,
    nkeySeed: path,
    retryOnFailedConnect: true,
    reconnectDelayHandler: () => {
      waits += 1;
      return 5;
    },
  });
  await until(() => waits >= 3, "it waits between its attempts");
  await writeFile(path, user.getSeed());
  await (await connected).close();
});

test("creds as bytes without credentials are a TypeError", async () => {
  await assert.rejects(connect({ creds: Buffer.from("hunter2") }), {
    name: "TypeError",
    message: "connect: creds contains no readable credentials",
  });
});
