import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { createUser, fromSeed } from "@nats-io/nkeys";
import { nkeySigner } from "../../src/cli/nkey.ts";
import { type Authority, authority } from "../support/certificates.ts";
import { jsonLines, runCli } from "../support/cli.ts";
import { nkeyUser, operatorMode } from "../support/nats-auth.ts";
import { infoLine } from "../support/nats-peer.ts";
import { startNats } from "../support/nats-server.ts";
import { freePort, peer } from "../support/peers.ts";
import { recordingPeer } from "../support/recording-peer.ts";
import { temporaryFile, temporaryFolder } from "../support/temporary.ts";
import { tlsPeer } from "../support/tls-peers.ts";

let ca: Authority;
let caFile: string;

before(() => {
  ca = authority();
  caFile = temporaryFile("ca.pem", ca.cert);
});

async function dialed(args: readonly string[], options?: Parameters<typeof runCli>[1]) {
  const { code, stdout, stderr } = await runCli(["--json", ...args], options);
  const objects = jsonLines(stdout);
  assert.equal(objects.at(-1)?.type, "verdict", stderr);
  return { code, dial: objects[0], dials: objects.slice(0, -1), verdict: objects.at(-1).verdict as string };
}

describe("credentials", () => {
  test("user and password are taken from the URL, from options and from a file", async () => {
    await using server = await startNats(["--user", "worker", "--pass", "wor king"]);
    const file = temporaryFile("password", "wor king\n");
    const target = `nats://${server.address}`;
    for (const args of [
      [`nats://worker:wor%20king@${server.address}`],
      ["--user", "worker", "--password", "wor king", target],
      ["-u", "worker", "--password-file", file, target],
    ]) {
      const { code, dial } = await dialed(args);
      assert.equal(code, 0, dial.message);
      assert.equal(dial.offered, "password");
      assert.equal(dial.nats.authRequired, true);
      assert.match(dial.nats.version, /^2\./);
      assert.ok(dial.nats.rttMs > 0);
    }
  });

  test("a token is taken from the URL, from an option and from a file", async () => {
    await using server = await startNats(["--auth", "tok-en"]);
    const target = `nats://${server.address}`;
    const file = temporaryFile("token", "tok-en");
    for (const args of [
      [`nats://tok-en@${server.address}`],
      ["--token", "tok-en", target],
      ["--token-file", file, target],
    ]) {
      const { code, dial } = await dialed(args);
      assert.equal(code, 0, dial.message);
      assert.equal(dial.offered, "token");
    }
  });

  test("a .creds file signs the server's nonce", async () => {
    const operator = await operatorMode();
    await using server = await startNats([], operator.config);
    const good = temporaryFile("user.creds", await operator.creds());
    const expired = temporaryFile("old.creds", await operator.creds({ expiresInSeconds: -60 }));
    const target = `nats://${server.address}`;
    assert.equal((await dialed(["--creds", good, target])).code, 0);
    const { code, dial, verdict } = await dialed(["--creds", expired, target]);
    assert.equal(code, 8);
    assert.equal(dial.reason, "auth_failed");
    assert.match(verdict, /refuses the \.creds file: its user or account is unknown, revoked or expired$/);
  });

  test("an nkey seed signs the server's nonce", async () => {
    const [user, stranger] = [nkeyUser(), nkeyUser()];
    await using server = await startNats([], `authorization { users: [ { nkey: ${user.publicKey} } ] }`);
    const target = `nats://${server.address}`;
    assert.equal((await dialed(["--nkey", temporaryFile("seed", user.seed), target])).code, 0);
    const { code, verdict } = await dialed(["--nkey", temporaryFile("seed", stranger.seed), target]);
    assert.equal(code, 8);
    assert.match(verdict, /refuses the nkey: its user is unknown$/);
  });

  test("a refused password, a missing one and a server that is down end in one verdict", async () => {
    await using first = await startNats(["--user", "u", "--pass", "right"]);
    await using second = await startNats(["--user", "u", "--pass", "right"]);
    const down = `127.0.0.1:${await freePort()}`;
    const targets = [first.address, second.address, down].map((address) => `nats://u:wrong@${address}`);
    const { code, dials, verdict } = await dialed(targets);
    assert.equal(code, 1);
    assert.deepEqual(
      dials.map(({ reason }) => reason),
      ["auth_failed", "auth_failed", "refused"],
    );
    assert.match(verdict, /^2 of 3 servers refuse the password \(.*\), 1 is down \(.*\): it is the password$/);
    const none = await dialed([`nats://${first.address}`]);
    assert.equal(none.code, 8);
    assert.match(none.verdict, /wants credentials: give them with --user, --token, --creds or --nkey$/);
  });
});

describe("TLS", () => {
  const files = (issued: { cert: string; key: string }) => ({
    cert: temporaryFile("cert.pem", issued.cert),
    key: temporaryFile("key.pem", issued.key),
  });

  test("a server that requires TLS is upgraded after INFO, and its chain is shown", async () => {
    const { cert, key } = files(ca.issue({ name: "nats.test", alternatives: ["IP:127.0.0.1"] }));
    await using server = await startNats(["--tls", "--tlscert", cert, "--tlskey", key, "--user", "u", "--pass", "p"]);
    const good = await dialed(["--ca", caFile, `nats://u:p@${server.address}`]);
    assert.equal(good.code, 0, good.dial.message);
    assert.equal(good.dial.nats.tlsRequired, true);
    assert.equal(good.dial.tls.chain[0].subject, "nats.test");
    assert.ok(good.dial.phases.tls > 0);
    const bad = await dialed([`nats://u:p@${server.address}`]);
    assert.equal(bad.code, 6);
    assert.equal(bad.dial.reason, "tls_cert_untrusted");
    assert.equal(bad.dial.tls.verified, false);
    assert.equal(bad.dial.tls.chain[0].subject, "nats.test");
  });

  test("a server that verifies clients wants a certificate and accepts one", async () => {
    const { cert, key } = files(ca.issue({ name: "nats.test", alternatives: ["IP:127.0.0.1"] }));
    const client = files(ca.issue({ name: "worker", usage: "clientAuth" }));
    const args = ["--tlsverify", "--tlscert", cert, "--tlskey", key, "--tlscacert", caFile];
    await using server = await startNats(args);
    const target = `nats://${server.address}`;
    const without = await dialed(["--ca", caFile, target]);
    assert.equal(without.dial.reason, "tls_client_cert");
    const { code, dial } = await dialed(["--ca", caFile, "--cert", client.cert, "--key", client.key, target]);
    assert.equal(code, 0, dial.message);
  });

  test("--tls-first begins with TLS", async () => {
    const issued = ca.issue({ name: "nats.test", alternatives: ["IP:127.0.0.1"] });
    await using server = await tlsPeer(issued, (socket) => {
      socket.write(infoLine({ tls_required: true }));
      socket.on("data", (bytes) => {
        for (const _ of bytes.toString().matchAll(/^PING\r$/gm)) socket.write("PONG\r\n");
      });
    });
    const { code, dial } = await dialed(["--tls-first", "--ca", caFile, `nats://127.0.0.1:${server.port}`]);
    assert.equal(code, 0, dial.message);
    assert.deepEqual(Object.keys(dial.phases), ["connect", "tls", "handshake"]);
  });
});

describe("servers that violate the protocol", () => {
  test("a full server, one that closes, another protocol and one that never answers have different verdicts", async () => {
    await using full = await recordingPeer(
      () => ({}),
      (socket) => socket.end("-ERR 'maximum connections exceeded'\r\n"),
    );
    await using closing = await recordingPeer(
      () => ({}),
      (socket) => socket.end(),
    );
    await using other = await peer((socket) => socket.write("220 mail ESMTP\r\n"));
    await using silent = await recordingPeer(
      () => ({}),
      () => {},
    );
    const targets = [full, closing, other].map(({ address }) => `nats://${address}`);
    const ended = await Promise.all([dialed(targets), dialed(["--timeout", "3s", `nats://${silent.address}`])]);
    assert.deepEqual(
      ended.flatMap(({ dials }) => dials).map(({ reason, failedPhase }) => `${reason} ${failedPhase}`),
      ["server_limit handshake", "handshake_closed handshake", "protocol handshake", "timeout handshake"],
    );
  });

  test("a PING of the server before its PONG is answered, and INFO that arrives later is skipped", async () => {
    let answered = false;
    await using server = await peer((socket) => {
      socket.write(infoLine());
      socket.on("data", (bytes) => {
        const text = bytes.toString();
        answered ||= text.includes("PONG");
        if (text.includes("CONNECT")) socket.write(`PING\r\n${infoLine()}+OK\r\nPONG\r\n`);
        else if (text.includes("PING")) socket.write("PO");
        if (!text.includes("CONNECT") && text.includes("PING")) setTimeout(() => socket.write("NG\r\n"), 20);
      });
    });
    const { code } = await dialed([`nats://${server.address}`]);
    assert.equal(code, 0);
    assert.ok(answered);
  });

  test("bytes of INFO that arrive one by one are read", async () => {
    await using server = await peer(async (socket) => {
      socket.on("data", () => socket.write("PONG\r\n"));
      for (const byte of infoLine()) {
        socket.write(byte);
        await new Promise(setImmediate);
      }
    });
    assert.equal((await dialed([`nats://${server.address}`])).code, 0);
  });
});

test("the command greets the server and signs its nonce without any other package", async () => {
  const user = nkeyUser();
  await using server = await startNats([], `authorization { users: [ { nkey: ${user.publicKey} } ] }`);
  const folder = temporaryFolder();
  mkdirSync(join(folder, "dist"));
  for (const name of ["cli.js", "cli"]) cpSync(join("dist", name), join(folder, "dist", name), { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module", version: "0.0.0-alone" }));
  assert.ok(!existsSync(join(folder, "node_modules")));
  const script = join(folder, "dist/cli.js");
  const seed = temporaryFile("seed", user.seed);
  assert.equal((await dialed(["--nkey", seed, `nats://${server.address}`], { script })).code, 0);
  assert.equal((await runCli(["--version"], { script })).stdout, "0.0.0-alone\n");
  const { code, stderr } = await runCli(["--count", "1", "--metrics", "0", server.address], { script });
  assert.equal(code, 2);
  assert.match(
    stderr,
    /^dialtrace: --metrics needs the package prom-client; .*npx -p dialtrace -p prom-client dialtrace/,
  );
});

test("signatures and public keys equal those of the nkeys library, and a damaged seed is refused", () => {
  for (let count = 0; count < 50; count += 1) {
    const seed = new TextDecoder().decode(createUser().getSeed());
    const pair = fromSeed(new TextEncoder().encode(seed));
    const nonce = `nonce-${count}`;
    const signature = Buffer.from(pair.sign(new TextEncoder().encode(nonce))).toString("base64url");
    assert.deepEqual(nkeySigner(seed)?.(nonce), { nkey: pair.getPublicKey(), sig: signature });
    const damaged = `${seed.slice(0, 20)}${seed[20] === "A" ? "B" : "A"}${seed.slice(21)}`;
    assert.equal(nkeySigner(damaged), undefined);
  }
});
