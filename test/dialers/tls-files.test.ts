import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { DetailedPeerCertificate } from "node:tls";
import { compose, DialError, type TlsDialerOptions, tcp, tls, withRetry } from "../../src/index.ts";
import { authority, type Issued } from "../support/certificates.ts";
import { goodPeer } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { loopback, tlsPeer } from "../support/tls-peers.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

const ca = authority();
const stranger = authority("somebody else's CA");
const valid = ca.issue({ name: "db.test" });
const client = ca.issue({ name: "orders", usage: "clientAuth" });
const otherClient = ca.issue({ name: "billing", usage: "clientAuth" });
const required = { requestCert: true, rejectUnauthorized: true, ca: ca.cert };
const der = new X509Certificate(ca.cert).raw;

/** A folder's file: where it is, and how to replace its content in place. */
function rotatable(name: string, content?: string | Buffer) {
  const path = join(temporaryFolder(), name);
  const write = (next: string | Buffer) => writeFileSync(path, next);
  if (content !== undefined) write(content);
  return { path, write };
}

const dialing = (options: TlsDialerOptions) =>
  compose(withRetry(), tls({ sessionCache: false, ...options }, tcp({ lookup: loopback })));

/** What can't be used of a file with certificates, whole ones of which are `first` and `second`. */
const unusable = (first: string, second: string): readonly (readonly [string, string | Buffer])[] => [
  ["empty", ""],
  ["blank", "\n\n"],
  ["cut inside its first certificate", first.slice(0, first.length / 2)],
  ["cut inside its second certificate", first + second.slice(0, second.length / 2)],
  ["cut inside the first line of its second certificate", first + second.slice(0, 20)],
  ["cut after a few dashes of its second certificate", first + second.slice(0, 3)],
  ["cut inside the last line of its second certificate", first + second.trimEnd().slice(0, -2)],
  ["cut inside its second certificate, with CRLF line ends", (first + second).replaceAll("\n", "\r\n").slice(0, -60)],
  ["junk", "junk"],
  ["binary junk", Buffer.alloc(4096, 7)],
  ["DER", der],
  ["a damaged second certificate", first + second.replace("-----\nMII", "-----\nBII")],
  ["two certificates on one line", first.trimEnd() + second],
];

describe("while caFile can't be used, the authorities that could be read last are trusted", () => {
  for (const [what, content] of unusable(stranger.cert, ca.cert)) {
    test(`a caFile that is ${what} never replaces the last one that could be read`, async () => {
      await using server = await tlsPeer(valid);
      const file = rotatable("ca.pem", stranger.cert + ca.cert);
      const dial = dialing({ caFile: file.path });
      const target = `db.test:${server.port}`;
      (await dial(target)).destroy();
      for (const next of [content, content, stranger.cert + ca.cert]) {
        file.write(next);
        (await dial(target)).destroy();
      }
      file.write(stranger.cert);
      await assert.rejects(dial(target), { reason: "tls_cert_untrusted" });
      file.write(content);
      await assert.rejects(dial(target), { reason: "tls_cert_untrusted" });
      file.write(ca.cert + stranger.cert);
      (await dial(target)).destroy();
    });
  }

  test("a caFile that is missing, or a directory, never replaces the last one that could be read", async () => {
    await using server = await tlsPeer(valid);
    const file = rotatable("ca.pem", ca.cert);
    const dial = dialing({ caFile: file.path });
    const target = `db.test:${server.port}`;
    (await dial(target)).destroy();
    rmSync(file.path);
    (await dial(target)).destroy();
    mkdirSync(file.path);
    (await dial(target)).destroy();
  });

  test("a caFile that holds something else than PEM is warned of once, while the last one is used", async () => {
    await using server = await tlsPeer(valid);
    const file = rotatable("ca.pem", ca.cert);
    const dial = dialing({ caFile: file.path });
    const warnings: string[] = [];
    const listen = ({ message }: Error) => void warnings.push(message);
    process.on("warning", listen);
    for (const content of [ca.cert, "", ca.cert.slice(0, 100), "junk", "more junk", ca.cert]) {
      file.write(content);
      (await dial(`db.test:${server.port}`)).destroy();
    }
    process.off("warning", listen);
    assert.deepEqual(warnings, [`tls: caFile ${file.path} holds no certificate in PEM; what it held before is used`]);
  });
});

describe("as long as no content could be used", () => {
  const missing = /tls: (ca|cert|key)File \S+ can't be read: (ENOENT|EISDIR)/;
  const cases: readonly (readonly [string, string | Buffer | undefined, RegExp])[] = [
    ...unusable(stranger.cert, ca.cert).map(
      ([what, content]) =>
        [what, content, /^dial [^ ]+: tls: (ca|cert|key)File \S+\/used\.pem (is|ends|holds|has) /] as const,
    ),
    ["missing", undefined, missing],
  ];
  for (const [what, content, message] of cases) {
    for (const option of ["caFile", "certFile", "keyFile"] as const) {
      test(`a ${option} that is ${what} is a config error that names the file, before anything is dialed`, async () => {
        await using server = await goodPeer();
        const used = rotatable("used.pem", content);
        const good = { certFile: rotatable("c.pem", client.cert).path, keyFile: rotatable("k.pem", client.key).path };
        const options = option === "caFile" ? { caFile: used.path } : { ...good, [option]: used.path };
        await assert.rejects(dialing(options)(server.address), (error) => {
          assert.ok(error instanceof DialError);
          assert.equal(error.reason, "config");
          assert.equal(error.attemptCount, 1);
          assert.match(error.message, message);
          assert.ok(error.message.includes(used.path) || /EISDIR/.test(error.message), error.message);
          assert.ok(error.message.includes(option), error.message);
          assert.doesNotMatch(error.message, /MII|BEGIN/);
          return true;
        });
        assert.equal(server.accepted, 0);
      });
    }
  }

  test("a dial succeeds as soon as the file can be used", async () => {
    await using server = await tlsPeer(valid);
    const file = rotatable("ca.pem", "");
    const dial = dialing({ caFile: file.path });
    await assert.rejects(dial(`db.test:${server.port}`), { reason: "config" });
    file.write(ca.cert);
    (await dial(`db.test:${server.port}`)).destroy();
  });

  test("a directory, and a key of another certificate, are config errors that name the file", async () => {
    const [cert, key] = [rotatable("c.pem", client.cert), rotatable("k.pem", otherClient.key)];
    await assert.rejects(dialing({ caFile: temporaryFolder() })("db.test:1"), {
      reason: "config",
      message: /caFile.*EISDIR/,
    });
    await assert.rejects(dialing({ certFile: cert.path, keyFile: key.path })("db.test:1"), (error) => {
      assert.ok(error instanceof DialError);
      assert.equal(error.reason, "config");
      assert.ok(error.message.includes(`certFile ${cert.path}, keyFile ${key.path} or other options`), error.message);
      return true;
    });
  });
});

/** Dials a server that asks for a certificate, and tells whose was shown. */
async function shownBy(dial: ReturnType<typeof dialing>) {
  await using server = await tlsPeer({ ...valid, ...required });
  const conn = await dial(`db.test:${server.port}`);
  await until(() => server.secured.length === 1, "the server has seen the certificate");
  const shown = server.secured[0]?.getPeerCertificate(true) as DetailedPeerCertificate;
  conn.destroy();
  return shown.subject.CN;
}

describe("while certFile or keyFile can't be used, the last pair that could is shown", () => {
  const pair = ({ cert, key }: Issued) => [cert + ca.cert, key] as const;
  const [chain, key] = pair(client);
  const [otherChain, otherKey] = pair(otherClient);
  const steps: readonly (readonly [string, string | Buffer, string | Buffer])[] = [
    ...unusable(otherClient.cert, ca.cert).map(
      ([what, content]) => [`the chain is ${what}`, content, otherKey] as const,
    ),
    ["the key is empty", otherChain, ""],
    ["the key is cut", otherChain, otherKey.slice(0, 60)],
    ["the key is cut inside its last line", otherChain, otherKey.trimEnd().slice(0, -1)],
    ["the key is junk", otherChain, "junk"],
    ["the key is a certificate", otherChain, otherChain],
    ["the key alone is new", chain, otherKey],
    ["the chain alone is new", otherChain, key],
  ];
  for (const [what, nextChain, nextKey] of steps) {
    test(`the last certificate that had its key is shown while ${what}`, async () => {
      const [certFile, keyFile] = [rotatable("c.pem", chain), rotatable("k.pem", key)];
      const dial = dialing({ ca: ca.cert, certFile: certFile.path, keyFile: keyFile.path });
      assert.equal(await shownBy(dial), "orders");
      keyFile.write(nextKey);
      certFile.write(nextChain);
      assert.equal(await shownBy(dial), "orders");
      keyFile.write(otherKey);
      certFile.write(otherChain);
      assert.equal(await shownBy(dial), "billing");
    });
  }
});

describe("files", () => {
  test("may hold both key and chain, have CRLF line ends, comments and a byte order mark", async () => {
    const both = rotatable(
      "both.pem",
      `\ufeff# orders\n${client.key}# its certificate\n${client.cert}`.replaceAll("\n", "\r\n"),
    );
    assert.equal(await shownBy(dialing({ ca: ca.cert, certFile: both.path, keyFile: both.path })), "orders");
    both.write(otherClient.cert + otherClient.key);
    assert.equal(await shownBy(dialing({ ca: ca.cert, certFile: both.path, keyFile: both.path })), "billing");
  });

  test("are read again when a Kubernetes volume rotates them by the symbolic link of their folder", async () => {
    const volume = temporaryFolder();
    const publish = (version: string, { cert, key }: Issued) => {
      mkdirSync(join(volume, version));
      writeFileSync(join(volume, version, "tls.crt"), cert);
      writeFileSync(join(volume, version, "tls.key"), key);
      symlinkSync(version, join(volume, "..data_tmp"));
      renameSync(join(volume, "..data_tmp"), join(volume, "..data"));
    };
    for (const name of ["tls.crt", "tls.key"]) symlinkSync(join("..data", name), join(volume, name));
    const dial = dialing({ ca: ca.cert, certFile: join(volume, "tls.crt"), keyFile: join(volume, "tls.key") });
    await assert.rejects(shownBy(dial), { reason: "config" });
    publish("..1", client);
    assert.equal(await shownBy(dial), "orders");
    publish("..2", otherClient);
    rmSync(join(volume, "..1"), { recursive: true });
    assert.equal(await shownBy(dial), "billing");
  });

  test("are read again when they change without a change of their size and time of modification", async () => {
    await using server = await tlsPeer(valid);
    const padded = (pem: string) => pem.padEnd(4096, "\n");
    const file = rotatable("ca.pem", padded(stranger.cert));
    const time = new Date(1_700_000_000_000);
    utimesSync(file.path, time, time);
    const dial = dialing({ caFile: file.path });
    await assert.rejects(dial(`db.test:${server.port}`), { reason: "tls_cert_untrusted" });
    await new Promise((resolve) => setTimeout(resolve, 20));
    file.write(padded(ca.cert));
    utimesSync(file.path, time, time);
    (await dial(`db.test:${server.port}`)).destroy();
  });
});

test("dials that start while a file is written byte by byte all succeed", async () => {
  await using server = await tlsPeer(valid);
  const content = stranger.cert + ca.cert;
  const file = rotatable("ca.pem", content);
  const dial = dialing({ caFile: file.path });
  (await dial(`db.test:${server.port}`)).destroy();
  // A file cut between two certificates can't be told from a complete one, so the authority comes first.
  const next = ca.cert + stranger.cert;
  for (let length = 0; length <= next.length; length += 61) {
    file.write(next.slice(0, length));
    (await dial(`db.test:${server.port}`)).destroy();
  }
});
