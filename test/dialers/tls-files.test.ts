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
const stranger = authority("another CA");
const valid = ca.issue({ name: "db.test" });
const client = ca.issue({ name: "orders", usage: "clientAuth" });
const otherClient = ca.issue({ name: "billing", usage: "clientAuth" });
const required = { requestCert: true, rejectUnauthorized: true, ca: ca.cert };
const der = new X509Certificate(ca.cert).raw;

/** A file with a function that replaces its content in place. */
function rotatable(name: string, content?: string | Buffer) {
  const path = join(temporaryFolder(), name);
  const write = (next: string | Buffer) => writeFileSync(path, next);
  if (content !== undefined) write(content);
  return { path, write };
}

const dialing = (options: TlsDialerOptions) =>
  compose(withRetry(), tls({ sessionCache: false, ...options }, tcp({ lookup: loopback })));

/** Contents of a certificate file that cannot be used; `first` and `second` are valid certificates. */
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

describe("caFile of tls() during a rotation", () => {
  for (const [what, content] of unusable(stranger.cert, ca.cert)) {
    test(`tls keeps the previous authorities while caFile is ${what}`, async () => {
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

  test("tls keeps the previous authorities while caFile is missing or a directory", async () => {
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

  test("tls warns once about a caFile that is not PEM, and keeps the previous authorities", async () => {
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
    assert.deepEqual(warnings, [
      `tls: caFile ${file.path} contains no certificate in PEM format; the previous content stays in use`,
    ]);
  });
});

describe("files of tls() without previous content", () => {
  const missing = /tls: (ca|cert|key)File \S+ cannot be read: (ENOENT|EISDIR)/;
  const cases: readonly (readonly [string, string | Buffer | undefined, RegExp])[] = [
    ...unusable(stranger.cert, ca.cert).map(
      ([what, content]) =>
        [what, content, /^dial [^ ]+: tls: (ca|cert|key)File \S+\/used\.pem (is|ends|contains|has) /] as const,
    ),
    ["missing", undefined, missing],
  ];
  for (const [what, content, message] of cases) {
    for (const option of ["caFile", "certFile", "keyFile"] as const) {
      test(`tls fails with config, naming the file, without dialing, when ${option} is ${what}`, async () => {
        await using server = await goodPeer();
        const used = rotatable("used.pem", content);
        const good = { certFile: rotatable("c.pem", client.cert).path, keyFile: rotatable("k.pem", client.key).path };
        const options = option === "caFile" ? { caFile: used.path } : { ...good, [option]: used.path };
        await assert.rejects(dialing(options)(server.address), (error) => {
          assert.ok(error instanceof DialError);
          assert.equal(error.reason, "config");
          assert.equal(error.attemptCount, 1);
          assert.match(error.message, message);
          assert.ok(error.message.includes(used.path), error.message);
          assert.ok(error.message.includes(option), error.message);
          assert.doesNotMatch(error.message, /MII|BEGIN/);
          return true;
        });
        assert.equal(server.accepted, 0);
      });
    }
  }

  test("tls dials as soon as the file can be used", async () => {
    await using server = await tlsPeer(valid);
    const file = rotatable("ca.pem", "");
    const dial = dialing({ caFile: file.path });
    await assert.rejects(dial(`db.test:${server.port}`), { reason: "config" });
    file.write(ca.cert);
    (await dial(`db.test:${server.port}`)).destroy();
  });

  test("tls fails with config, naming the file, for a directory and for a key that does not match", async () => {
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

/** Dials a server that requests a certificate and returns the name of the client's certificate. */
async function shownBy(dial: ReturnType<typeof dialing>) {
  await using server = await tlsPeer({ ...valid, ...required });
  const conn = await dial(`db.test:${server.port}`);
  await until(() => server.secured.length === 1, "the server has seen the certificate");
  const shown = server.secured[0]?.getPeerCertificate(true) as DetailedPeerCertificate;
  conn.destroy();
  return shown.subject.CN;
}

describe("certFile and keyFile of tls() during a rotation", () => {
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
    test(`tls sends the previous client certificate while ${what}`, async () => {
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

describe("contents and changes of files", () => {
  test("tls reads files with key and chain, CRLF line ends, comments and a byte order mark", async () => {
    const both = rotatable(
      "both.pem",
      `\ufeff# orders\n${client.key}# its certificate\n${client.cert}`.replaceAll("\n", "\r\n"),
    );
    assert.equal(await shownBy(dialing({ ca: ca.cert, certFile: both.path, keyFile: both.path })), "orders");
    both.write(otherClient.cert + otherClient.key);
    assert.equal(await shownBy(dialing({ ca: ca.cert, certFile: both.path, keyFile: both.path })), "billing");
  });

  test("tls reads files again when a Kubernetes volume replaces the symbolic link of their folder", async () => {
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

  test("tls reads files again when their content changes but size and mtime do not", async () => {
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

test("tls dials succeed while a file is written byte by byte", async () => {
  await using server = await tlsPeer(valid);
  const content = stranger.cert + ca.cert;
  const file = rotatable("ca.pem", content);
  const dial = dialing({ caFile: file.path });
  (await dial(`db.test:${server.port}`)).destroy();
  // A file cut between two certificates looks complete, so the needed authority comes first.
  const next = ca.cert + stranger.cert;
  for (let length = 0; length <= next.length; length += 61) {
    file.write(next.slice(0, length));
    (await dial(`db.test:${server.port}`)).destroy();
  }
});
