import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { DetailedPeerCertificate, SecureVersion, TLSSocket, TlsOptions } from "node:tls";
import { inspect } from "node:util";
import { Registry } from "prom-client";
import {
  classify,
  compose,
  DialError,
  type Dialer,
  DialTimeoutError,
  type DialTrace,
  type Reason,
  type TlsDialerOptions,
  type TlsHandshakeDoneInfo,
  tcp,
  tls,
  withRetry,
  withTimeout,
  withTrace,
} from "../../src/index.ts";
import { withTracing } from "../../src/otel.ts";
import { withPrometheus } from "../../src/prometheus.ts";
import { fakeClock } from "../../src/testing.ts";
import { selfSigned } from "../core/certificate.ts";
import { authority, type Issued, inDays } from "../support/certificates.ts";
import { record, turns } from "../support/contract.ts";
import { goodPeer, peer, readText } from "../support/peers.ts";
import { openSockets, openTimers, until } from "../support/resources.ts";
import { startRedis } from "../support/servers.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { loopback, tlsPeer } from "../support/tls-peers.ts";
import { type Scrape, scrape } from "../telemetry/exposition.ts";
import { sdk2 } from "../telemetry/sdk-lines.ts";
import { spanRecorder } from "../telemetry/span-tree.ts";

const folder = temporaryFolder();
after(() => until(() => openSockets() === 0, "no test may leave a socket open"));
const file = (name: string) => join(folder, name);

const ca = authority();
const stranger = authority("another CA");
const valid = ca.issue({ name: "db.test", alternatives: ["DNS:db.test", "DNS:*.wild.test", "IP:127.0.0.1"] });
const client = ca.issue({ name: "orders", usage: "clientAuth" });
const otherClient = ca.issue({ name: "billing", usage: "clientAuth" });
const required = { requestCert: true, rejectUnauthorized: true, ca: ca.cert };

const versions: readonly SecureVersion[] = ["TLSv1.2", "TLSv1.3"];
const only = (version: SecureVersion) => ({ minVersion: version, maxVersion: version });
const base = tcp({ lookup: loopback });

/** A TLS dialer that trusts the test's authority, with everything observed of one dial. */
function observed(options: TlsDialerOptions = {}, over: Parameters<typeof tls>[1] = base) {
  const recorder = spanRecorder();
  const registry = new Registry();
  const done: TlsHandshakeDoneInfo[] = [];
  const events: string[] = [];
  const dial = compose(
    withTracing({ tracerProvider: sdk2.provider(recorder) }),
    withPrometheus({ registry }),
    withTrace(record(events)),
    withTrace({
      tlsHandshakeStart: ({ serverName }) => void events.push(`tlsHandshakeStart ${serverName}`),
      tlsHandshakeDone: (info) => {
        events.push(`tlsHandshakeDone ${info.outcome}`);
        done.push(info);
      },
    }),
    tls({ ca: ca.cert, ...options }, over),
  );
  return {
    dial,
    done,
    events,
    /** The span of the last TLS handshake. */
    span: () => recorder.started.findLast(({ name }) => name === "tls handshake"),
    openSpans: () => recorder.open,
    metrics: (): Promise<Scrape> => scrape(registry),
  };
}

/** Reads `length` bytes, and the session tickets that arrive with them. */
async function read(conn: TLSSocket, length: number): Promise<string> {
  const text = await readText(conn, length);
  await turns();
  return text;
}

const tlsSeries = "dialer_phase_duration_seconds_count";

test("tls stores a session when the connection is closed between two tickets", async () => {
  await using server = await tlsPeer({ ...valid, ...only("TLSv1.3") });
  const { dial, done } = observed();
  const first = await dial(`db.test:${server.port}`);
  await once(first, "session");
  first.destroy();
  await turns();
  (await dial(`db.test:${server.port}`)).destroy();
  assert.deepEqual(
    done.map(({ resumed }) => resumed),
    [false, true],
  );
});

for (const version of versions) {
  describe(`with ${version}`, () => {
    test(`tls reports the handshake's result to the hook, the span and the metric with ${version}`, async () => {
      await using server = await tlsPeer({ ...valid, ...only(version), ALPNProtocols: ["h2", "nats"] });
      const { dial, done, events, span, metrics } = observed({ alpnProtocols: ["nats", "redis"] });
      const conn = await dial(`db.test:${server.port}`);
      assert.equal(conn.authorized, true);
      assert.equal(conn.getProtocol(), version);
      assert.equal(conn.alpnProtocol, "nats");
      assert.equal(conn.readableFlowing, null);
      assert.equal(conn.getPeerCertificate().subject.CN, "db.test", "reading the certificate does not remove it");
      assert.deepEqual([conn.listenerCount("error"), conn.listenerCount("secureConnect")], [0, 0]);

      const [info] = done;
      const { durationMs, cipher, peerCertificateExpiresAt, target, ...rest } = info as TlsHandshakeDoneInfo;
      assert.equal(target?.host, "db.test");
      assert.deepEqual(rest, {
        serverName: "db.test",
        outcome: "success",
        protocol: version,
        alpnProtocol: "nats",
        resumed: false,
      });
      assert.ok(durationMs > 0 && cipher?.startsWith("TLS_"));
      assert.equal(peerCertificateExpiresAt, Date.parse(new X509Certificate(valid.cert).validTo));
      assert.deepEqual(events.slice(-4), [
        "tlsHandshakeStart db.test",
        "tlsHandshakeDone success",
        "attemptDone success",
        "dialDone success",
      ]);
      assert.deepEqual(span()?.attributes, {
        "server.address": "db.test",
        "tls.protocol.name": "tls",
        "tls.protocol.version": version.slice("TLSv".length),
        "tls.cipher": cipher,
        "tls.next_protocol": "nats",
        "tls.resumed": false,
        "tls.server.not_after": new Date(peerCertificateExpiresAt ?? 0).toISOString(),
      });
      const scraped = await metrics();
      assert.ok(scraped.nonZero(tlsSeries).includes("dialer_phase=tls,error_type= → 1"));
      assert.equal(
        scraped.value("dialer_tls_peer_certificate_expiry_timestamp_seconds", { dialer_name: "default" }) * 1000,
        peerCertificateExpiresAt,
      );
      conn.destroy();
    });

    const failures: readonly (readonly [string, TlsOptions | (() => Issued), Reason, string, TlsDialerOptions?])[] = [
      [
        "has expired",
        () => ca.issue({ name: "db.test", from: inDays(-9), until: inDays(-1) }),
        "tls_cert_expired",
        "CERT_HAS_EXPIRED",
      ],
      [
        "is not yet valid",
        () => ca.issue({ name: "db.test", from: inDays(1), until: inDays(9) }),
        "tls_cert_expired",
        "CERT_NOT_YET_VALID",
      ],
      ["is self-signed", () => selfSigned("db.test"), "tls_cert_untrusted", "DEPTH_ZERO_SELF_SIGNED_CERT"],
      [
        "has an unknown issuer",
        () => stranger.issue({ name: "db.test" }),
        "tls_cert_untrusted",
        "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
      ],
      [
        "comes with the root of an unknown CA",
        () => {
          const { cert, key } = stranger.issue({ name: "db.test" });
          return { cert: cert + stranger.cert, key };
        },
        "tls_cert_untrusted",
        "SELF_SIGNED_CERT_IN_CHAIN",
      ],
      ["is for another host", () => ca.issue({ name: "www.test" }), "tls_hostname", "ERR_TLS_CERT_ALTNAME_INVALID"],
    ];
    for (const [what, made, reason, code] of failures) {
      test(`tls fails with ${reason} when the certificate ${what} with ${version}`, async () => {
        await using server = await tlsPeer({ ...(made as () => Issued)(), ...only(version) });
        await failsWith({}, `db.test:${server.port}`, reason, code);
      });
    }

    test(`tls fails with tls_protocol when there is no common version with ${version}`, async () => {
      const other = versions.find((each) => each !== version) as SecureVersion;
      await using server = await tlsPeer({ ...valid, ...only(other) });
      await failsWith(only(version), `db.test:${server.port}`, "tls_protocol", /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/);
    });

    test(`tls fails with tls_protocol when the server accepts none of the ALPN protocols with ${version}`, async () => {
      await using server = await tlsPeer({ ...valid, ...only(version), ALPNProtocols: ["h2"] });
      const options = { alpnProtocols: ["nats"] };
      await failsWith(options, `db.test:${server.port}`, "tls_protocol", /ALERT_NO_APPLICATION_PROTOCOL/);
    });

    test(`tls connects to a server without ALPN with ${version}`, async () => {
      await using server = await tlsPeer({ ...valid, ...only(version) });
      const { dial, done } = observed({ alpnProtocols: ["nats"] });
      const conn = await dial(`db.test:${server.port}`);
      assert.equal(conn.alpnProtocol, false);
      assert.equal(done[0]?.alpnProtocol, undefined);
      conn.destroy();
    });

    test(`tls sends the client certificate from buffers and from files with ${version}`, async () => {
      await using server = await tlsPeer({ ...valid, ...only(version), ...required }, (socket) => socket.write("hi"));
      writeFileSync(file("orders.pem"), client.cert);
      writeFileSync(file("orders.key"), client.key);
      writeFileSync(file("ca.pem"), ca.cert);
      const options: readonly TlsDialerOptions[] = [
        { ca: ca.cert, ...client },
        { caFile: file("ca.pem"), certFile: file("orders.pem"), keyFile: file("orders.key") },
      ];
      for (const each of options) {
        const conn = await compose(tls(each, base))(`db.test:${server.port}`);
        await read(conn, 2);
        assert.equal(commonName(server.secured.at(-1)), "orders");
        conn.destroy();
      }
    });

    test(`tls keeps the first bytes of a server-first protocol with ${version}`, async () => {
      await using server = await tlsPeer({ ...valid, ...only(version) }, (socket) => socket.write("INFO {}\r\n"));
      const conn = await compose(tls({ ca: ca.cert }, base))(`db.test:${server.port}`);
      await until(() => conn.readableLength > 0 || conn.bytesRead > 0, "the greeting has arrived");
      await turns();
      assert.equal(conn.readableFlowing, null);
      assert.equal(await read(conn, 9), "INFO {}\r\n");
      conn.destroy();
    });

    test(`tls resumes the session of the previous dial to the same server with ${version}`, async () => {
      await using server = await tlsPeer({ ...valid, ...only(version) }, (socket) => socket.write("INFO {}\r\n"));
      const { dial, done, metrics } = observed();
      for (const host of ["db.test", "db.test", "a.wild.test", "127.0.0.1", "127.0.0.1"]) {
        const conn = await dial(`${host}:${server.port}`);
        await read(conn, 9); // With TLS 1.3 tickets come after the handshake.
        conn.destroy();
      }
      assert.deepEqual(
        done.map(({ resumed }) => resumed),
        [false, true, false, false, true],
      );
      // The expiry of the certificate is kept, although a resumed session does not show it.
      assert.ok((await metrics()).value("dialer_tls_peer_certificate_expiry_timestamp_seconds", owner) > 0);
    });

    test(`tls does not resume a session after its certificate has expired with ${version}`, async (t) => {
      await using server = await tlsPeer({ ...valid, ...only(version) }, (socket) => socket.write("INFO {}\r\n"));
      const { dial, done } = observed({ rejectUnauthorized: false });
      const once = async () => {
        const conn = await dial(`db.test:${server.port}`);
        await read(conn, 9);
        conn.destroy();
      };
      await once();
      t.mock.timers.enable({ apis: ["Date"], now: inDays(31) });
      await once();
      assert.deepEqual(
        done.map(({ resumed }) => resumed),
        [false, false],
      );
    });

    for (const options of [{ sessionCache: false }, { pins: [pinOf(valid.cert)] }]) {
      test(`tls resumes no session with ${Object.keys(options)} and ${version}`, async () => {
        await using server = await tlsPeer({ ...valid, ...only(version) }, (socket) => socket.write("INFO {}\r\n"));
        const { dial, done } = observed(options);
        for (let dials = 0; dials < 2; dials += 1) {
          const conn = await dial(`db.test:${server.port}`);
          await read(conn, 9);
          assert.equal(conn.listenerCount("session"), 0);
          conn.destroy();
        }
        assert.deepEqual(
          done.map(({ resumed }) => resumed),
          [false, false],
        );
      });
    }

    test(`tls sends a replaced client certificate at the next dial, even with a session, with ${version}`, async () => {
      await using server = await tlsPeer({ ...valid, ...only(version), ...required }, (socket) => socket.write("hi"));
      const [certFile, keyFile] = [file("rotated.pem"), file("rotated.key")];
      const options = { certFile, keyFile };
      const rotate = ({ cert, key }: Issued) => {
        for (const [path, content] of [
          [certFile, cert],
          [keyFile, key],
        ] as const) {
          writeFileSync(`${path}.new`, content);
          renameSync(`${path}.new`, path);
        }
      };
      const { dial, done } = observed(options);
      const seen: unknown[] = [];
      for (const issued of [client, undefined, otherClient]) {
        if (issued !== undefined) rotate(issued);
        const conn = await dial(`db.test:${server.port}`);
        await read(conn, 2);
        seen.push(commonName(server.secured.at(-1)));
        conn.destroy();
      }
      assert.equal(seen[0], "orders");
      assert.equal(seen[2], "billing");
      assert.deepEqual(
        done.map(({ resumed }) => resumed),
        [false, true, false],
      );
    });
  });
}

const owner = { dialer_name: "default" };

function commonName(socket: TLSSocket | undefined): unknown {
  return (socket?.getPeerCertificate() as DetailedPeerCertificate | undefined)?.subject?.CN;
}

function pinOf(certificate: string): string {
  const key = new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(key).digest("base64");
}

/** Checks that error, attempt, hook, span and metric have the same reason, and that nothing is left behind. */
async function failsWith(
  options: TlsDialerOptions,
  target: string,
  reason: Reason,
  code: string | RegExp,
  over?: Dialer,
): Promise<DialError> {
  const { dial, done, events, span, openSpans, metrics } = observed(options, over);
  const error = await dial(target).then(
    () => assert.fail("must not succeed"),
    (error: unknown) => error as DialError,
  );
  assert.ok(error instanceof DialError);
  assert.equal(error.reason, reason);
  assert.equal(error.target, target);
  if (typeof code === "string") assert.equal(error.code, code);
  else assert.match(String(error.code), code);
  assert.deepEqual(
    error.attempts.map((attempt) => attempt.reason),
    [reason],
  );
  assert.equal(done[0]?.reason, reason);
  assert.deepEqual(events.slice(-3), ["tlsHandshakeDone failure", "attemptDone failure", "dialDone failure"]);
  assert.equal(span()?.attributes["error.type"], reason);
  assert.deepEqual(openSpans(), []);
  assert.ok((await metrics()).nonZero(tlsSeries).includes(`dialer_phase=tls,error_type=${reason} → 1`));
  return error;
}

describe("a required client certificate that is missing", () => {
  test("a missing client certificate fails the TLS 1.2 handshake with tls_client_cert", async () => {
    await using server = await tlsPeer({ ...valid, ...only("TLSv1.2"), ...required });
    const error = await failsWith({}, `db.test:${server.port}`, "tls_client_cert", /ALERT_HANDSHAKE_FAILURE$/);
    assert.ok(error.cause instanceof DialError);
  });

  test("a handshake_failure alert before the server's certificate is not tls_client_cert", async () => {
    const ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
    await using server = await tlsPeer({ ...valid, ...only("TLSv1.2"), ciphers });
    const options = { ...only("TLSv1.2"), ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384" };
    await failsWith(options, `db.test:${server.port}`, "tls_protocol", /ALERT_HANDSHAKE_FAILURE$/);
  });

  test("a missing client certificate fails the dial's handshake with tls_client_cert under TLS 1.3", async () => {
    await using server = await tlsPeer({ ...valid, ...only("TLSv1.3"), ...required });
    const { dial, done } = observed();
    const dialing = dial(`db.test:${server.port}`, {
      async handshake(conn) {
        conn.write("PING\r\n");
        await once(conn, "data");
        return conn;
      },
    });
    await assert.rejects(dialing, { reason: "tls_client_cert", code: "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED" });
    assert.equal(done[0]?.outcome, "success", "under TLS 1.3 the rejection follows the handshake");
  });

  test("a missing client certificate fails the first read under TLS 1.3 without a handshake", async () => {
    await using server = await tlsPeer({ ...valid, ...only("TLSv1.3"), ...required });
    const closed: unknown[] = [];
    const dial = compose(tls({ ca: ca.cert }, base));
    const conn = await dial(`db.test:${server.port}`, { trace: { connClosed: ({ reason }) => closed.push(reason) } });
    const [error] = await once(conn, "error");
    assert.equal(classify(error), "tls_client_cert");
    if (!conn.closed) await once(conn, "close");
    // Node only emits the error; the server closes the connection.
    assert.deepEqual(closed, ["remote"]);
  });

  for (const version of versions) {
    test(`a real NATS server rejects a missing client certificate with tls_client_cert with ${version}`, async () => {
      const paths = writeServer(valid);
      const protocols = ["--tls-protocols", version];
      await using server = await startRedis([...paths, ...protocols]);
      const target = `127.0.0.1:${server.port}`;
      const handshake = async (conn: TLSSocket) => {
        conn.write("PING\r\n");
        assert.equal(await read(conn, 7), "+PONG\r\n");
        return conn;
      };
      await assert.rejects(compose(tls({ ca: ca.cert }))(target, { handshake }), { reason: "tls_client_cert" });
      const conn = await compose(tls({ ca: ca.cert, ...client }))(target, { handshake });
      assert.equal(conn.getProtocol(), version);
      conn.destroy();
    });
  }
});

function writeServer({ cert, key }: Issued): string[] {
  writeFileSync(file("server.pem"), cert);
  writeFileSync(file("server.key"), key);
  writeFileSync(file("clients.pem"), ca.cert);
  const paths = { "cert-file": "server.pem", "key-file": "server.key", "ca-cert-file": "clients.pem" };
  return Object.entries(paths).flatMap(([option, name]) => [`--tls-${option}`, file(name)]);
}

describe("the name in SNI and in the certificate check", () => {
  const names: readonly (readonly [string, TlsDialerOptions, string | false])[] = [
    ["db.test", {}, "db.test"],
    ["db.test.", {}, "db.test"],
    ["a.wild.test", {}, "a.wild.test"],
    ["127.0.0.1", {}, false],
    ["elsewhere.test", { serverName: "db.test" }, "db.test"],
    ["127.0.0.1", { serverName: "db.test" }, "db.test"],
    ["elsewhere.test", { serverName: "127.0.0.1" }, false],
  ];
  for (const [host, options, asked] of names) {
    test(`tls sends ${asked || "no name"} as SNI when dialing ${host} with ${JSON.stringify(options)}`, async () => {
      await using server = await tlsPeer(valid);
      const { dial, done, span } = observed(options);
      const conn = await dial(`${host}:${server.port}`);
      await until(() => server.secured.length === 1, "the server has finished its handshake");
      assert.equal(server.secured[0]?.servername, asked);
      assert.equal(done[0]?.serverName, asked || "");
      assert.equal(span()?.attributes["server.address"], asked || "");
      conn.destroy();
    });
  }

  test("tls checks the certificate against an IP address", async () => {
    await using server = await tlsPeer(ca.issue({ name: "db.test" }));
    await failsWith({}, `127.0.0.1:${server.port}`, "tls_hostname", "ERR_TLS_CERT_ALTNAME_INVALID");
  });

  test("tls checks the certificate against serverName instead of the target's host", async () => {
    await using server = await tlsPeer(valid);
    const options = { serverName: "www.test" };
    await failsWith(options, `db.test:${server.port}`, "tls_hostname", "ERR_TLS_CERT_ALTNAME_INVALID");
  });

  test("tls calls checkServerIdentity with the name and uses its result", async () => {
    await using server = await tlsPeer(valid);
    const given: unknown[] = [];
    const checkServerIdentity = (host: string, { subject }: { subject: { CN: string } }) => {
      given.push(host, subject.CN);
      return undefined;
    };
    const conn = await observed({ checkServerIdentity: checkServerIdentity as never }).dial(
      `other.test:${server.port}`,
    );
    assert.deepEqual(given, ["other.test", "db.test"]);
    conn.destroy();
    const refuse = { checkServerIdentity: () => Object.assign(new Error("not this one"), { code: "EPROTO" }) };
    await failsWith(refuse, `db.test:${server.port}`, "tls_protocol", "EPROTO");
  });

  test("tls requires serverName for a unix socket, without dialing", async () => {
    const { dial, events } = observed();
    await assert.rejects(dial("unix:/nonexistent/a.sock"), { reason: "config", message: /serverName/ });
    assert.deepEqual(events, ["dialStart", "attemptStart", "attemptDone failure", "dialDone failure"]);
  });
});

describe("pins", () => {
  test("tls accepts a server whose public key is pinned", async () => {
    await using server = await tlsPeer(valid);
    const { dial } = observed({ pins: [pinOf(stranger.cert), pinOf(valid.cert)] });
    (await dial(`db.test:${server.port}`)).destroy();
  });

  test("tls refuses a server whose public key is not pinned, even with a valid certificate", async () => {
    await using server = await tlsPeer(valid);
    const { dial, done } = observed({ pins: [pinOf(ca.cert)] });
    await assert.rejects(dial(`db.test:${server.port}`), {
      reason: "tls_cert_untrusted",
      message: /does not match any pin/,
    });
    assert.equal(done[0]?.reason, "tls_cert_untrusted");
    await until(
      () => openSockets() === 0 || server.secured.every((each) => each.destroyed),
      "the connection is closed",
    );
  });
});

describe("files", () => {
  test("tls names the option and path of a missing file, without dialing", async () => {
    await using server = await goodPeer();
    const { dial, events } = observed({ certFile: file("none.pem"), keyFile: file("none.key") });
    await assert.rejects(dial(server.address), (error: DialError) => {
      assert.equal(error.reason, "config");
      assert.match(error.message, /tls: certFile \S+none\.pem cannot be read: ENOENT/);
      return true;
    });
    assert.equal(server.accepted, 0);
    assert.deepEqual(events, ["dialStart", "attemptStart", "attemptDone failure", "dialDone failure"]);
  });

  test("tls does not retry after a file without a certificate", async () => {
    writeFileSync(file("junk.pem"), "junk");
    const dial = compose(withRetry(), tls({ certFile: file("junk.pem"), keyFile: file("junk.pem") }));
    await assert.rejects(dial("127.0.0.1:1"), { reason: "config", attemptCount: 1 });
  });

  test("tls uses the previous pair while certificate and key do not match or one is missing", async () => {
    await using server = await tlsPeer({ ...valid, ...required }, (socket) => socket.write("hi"));
    const [certFile, keyFile] = [file("torn.pem"), file("torn.key")];
    writeFileSync(certFile, client.cert);
    writeFileSync(keyFile, client.key);
    const { dial } = observed({ certFile, keyFile, sessionCache: false });
    const shown = async () => {
      const conn = await dial(`db.test:${server.port}`);
      await read(conn, 2);
      conn.destroy();
      return commonName(server.secured.at(-1));
    };
    assert.equal(await shown(), "orders");
    writeFileSync(certFile, otherClient.cert);
    assert.equal(await shown(), "orders");
    rmSync(keyFile);
    assert.equal(await shown(), "orders");
    writeFileSync(keyFile, otherClient.key);
    assert.equal(await shown(), "billing");
  });

  test("tls trusts a replaced authority from the next dial", async () => {
    await using server = await tlsPeer(valid);
    writeFileSync(file("trusted.pem"), stranger.cert);
    const dial = compose(tls({ caFile: file("trusted.pem") }, base));
    await assert.rejects(dial(`db.test:${server.port}`), { reason: "tls_cert_untrusted" });
    writeFileSync(file("trusted.pem"), `${stranger.cert}${ca.cert}`);
    (await dial(`db.test:${server.port}`)).destroy();
  });
});

describe("handshakes that are abandoned", () => {
  test("a TLS handshake that exceeds handshakeTimeoutMs fails with one timeout of scope phase", async () => {
    await using server = await goodPeer();
    const clock = fakeClock();
    const { dial, events, done, metrics, span } = observed({ handshakeTimeoutMs: 700 });
    const told: unknown[] = [];
    const dialing = dial(server.address, { clock, trace: { timeout: (info) => told.push(info) } });
    const failed = assert.rejects(dialing, (error: DialTimeoutError) => {
      assert.ok(error instanceof DialTimeoutError);
      const { scope, timeoutMs, reason, code, message } = error;
      assert.deepEqual(
        { scope, timeoutMs, reason, code },
        { scope: "phase", timeoutMs: 700, reason: "timeout", code: "ETIMEDOUT" },
      );
      assert.equal(message, `TLS handshake for ${server.address} timed out after 700 ms`);
      return true;
    });
    await until(() => events.includes("tlsHandshakeStart "), "the handshake has begun");
    await clock.advance(699);
    assert.equal(done.length, 0);
    await clock.advance(1);
    await failed;
    assert.equal(clock.pending, 0);
    assert.equal(told.length, 1);
    assert.equal(done[0]?.reason, "timeout");
    assert.equal(span()?.attributes["error.type"], "timeout");
    assert.equal((await metrics()).value("dialer_timeouts_total", { ...owner, dialer_timeout_scope: "phase" }), 1);
    await until(() => server.open.size === 0, "the server sees it closed");
  });

  test("a TLS handshake that the caller aborts is canceled and leaves no socket", async () => {
    await using server = await goodPeer();
    const controller = new AbortController();
    const { dial, events, done, span, openSpans } = observed();
    const timers = openTimers();
    const dialing = dial(server.address, { signal: controller.signal });
    await until(() => events.includes("tlsHandshakeStart "), "the handshake has begun");
    controller.abort(new Error("enough"));
    await assert.rejects(dialing, /^Error: enough$/);
    assert.equal(done[0]?.outcome, "canceled");
    assert.equal(span()?.attributes["dialer.outcome"], "canceled");
    assert.deepEqual(openSpans(), []);
    assert.equal(openTimers(), timers);
    await until(() => server.open.size === 0, "the server sees it closed");
  });

  test("a TLS handshake that a timeout above ends fails with that timeout", async () => {
    await using server = await goodPeer();
    const dial = compose(withTimeout({ timeoutMs: 30 }), tls({}, base));
    await assert.rejects(dial(server.address), { reason: "timeout", scope: "dial", timeoutMs: 30 });
    await until(() => server.open.size === 0, "the server sees it closed");
  });
});

describe("hostile TLS peers", () => {
  const peers: readonly (readonly [string, Parameters<typeof peer>[0], Reason])[] = [
    ["that closes immediately", (socket) => socket.destroy(), "tls_closed"],
    ["that closes after the first bytes", (socket) => socket.once("data", () => socket.end()), "tls_closed"],
    ["that resets", (socket) => socket.once("data", () => socket.resetAndDestroy()), "reset"],
    ["that speaks another protocol", (socket) => socket.write("INFO {}\r\n"), "tls_protocol"],
    ["that sends a fatal alert", (socket) => socket.write(Buffer.from([21, 3, 1, 0, 2, 2, 80])), "tls_protocol"],
  ];
  for (const [what, serve, reason] of peers) {
    test(`a TLS peer ${what} fails the dial with ${reason}`, async () => {
      await using server = await peer(serve);
      const { dial, done } = observed();
      await assert.rejects(dial(server.address), { reason });
      assert.equal(done[0]?.reason, reason);
    });
  }

  test("a TLS peer that sends endless records byte by byte fails the dial in time", async () => {
    await using server = await peer((socket) => {
      const header = [22, 3, 3, 63, 0];
      const timer = setInterval(() => socket.write(Buffer.from([header.shift() ?? 2])), 5);
      socket.on("close", () => clearInterval(timer));
    });
    const { dial } = observed({ handshakeTimeoutMs: 150 });
    await assert.rejects(dial(server.address), { reason: "timeout", scope: "phase" });
    await until(() => server.open.size === 0, "the server sees it closed");
  });

  test("a TLS peer that closes with the last bytes of the handshake fails no other dial", async () => {
    await using inner = await tlsPeer({ ...valid, ...only("TLSv1.2") }, (socket) => socket.destroy());
    for (let dials = 0; dials < 20; dials += 1) {
      await compose(tls({ ca: ca.cert }, base))(`db.test:${inner.port}`).then(
        (conn) => conn.on("error", () => {}).destroy(),
        (error) => assert.ok(["handshake_closed", "tls_closed", "reset"].includes(error.reason), error),
      );
    }
  });
});

describe("options", () => {
  const hook = { checkServerIdentity: "no" as never };
  const wrong: readonly (readonly [string, TlsDialerOptions, RegExp])[] = [
    ["an unknown option", { serverNames: "a" } as never, /^TypeError: tls: unknown option serverNames/],
    ["a timeout of 0", { handshakeTimeoutMs: 0 }, /^RangeError: tls: handshakeTimeoutMs/],
    ["an empty list of ALPN names", { alpnProtocols: [] }, /^TypeError: tls: alpnProtocols/],
    ["an empty ALPN name", { alpnProtocols: [""] }, /^TypeError: tls: alpnProtocols/],
    ["alpnProtocols that is not an array", { alpnProtocols: "h2" as never }, /^TypeError: tls: alpnProtocols/],
    ["an empty serverName", { serverName: "" }, /^TypeError: tls: serverName/],
    ["a pin in hexadecimal", { pins: ["ab".repeat(32)] }, /^TypeError: tls: pins/],
    ["an empty list of pins", { pins: [] }, /^TypeError: tls: pins/],
    ["a checkServerIdentity that is not a function", hook, /^TypeError: tls: checkServerIdentity/],
    [
      "a rejectUnauthorized that is not a boolean",
      { rejectUnauthorized: 0 as never },
      /^TypeError: tls: rejectUnauthorized/,
    ],
    ["a sessionCache that is not a boolean", { sessionCache: {} as never }, /^TypeError: tls: sessionCache/],
    ["a caFile that is not a path", { caFile: 5 as never }, /^TypeError: tls: caFile must be a path/],
    ["both ca and caFile", { ca: "x", caFile: "y" }, /^TypeError: tls: give ca or caFile, not both/],
    ["a certificate without its key", { certFile: "y" }, /^TypeError: tls: a certificate requires its key/],
    ["a key that is not PEM", { cert: valid.cert, key: "junk" }, /^TypeError: tls: certificates, keys or other/],
    ["a key of another certificate", { cert: valid.cert, key: client.key }, /^TypeError: tls: .*key values mismatch/],
    ["unknown ciphers", { ciphers: "none" }, /^TypeError: tls: .*no cipher match/],
  ];
  for (const [what, options, message] of wrong) {
    test(`tls refuses ${what} at construction`, () => {
      assert.throws(() => tls(options), message);
    });
  }

  test("tls refuses anything but a dialer beneath it at construction", () => {
    assert.throws(() => tls({}, {} as never), /^TypeError: tls: over must be a function/);
  });
});

test("the certificate expiry gauge shows the earliest expiry, and a renewed certificate replaces its own", async () => {
  const registry = new Registry();
  const expiry = async () =>
    (await scrape(registry)).samples.filter(({ name }) => name.startsWith("dialer_tls_peer")).map(({ value }) => value);
  const hooks: DialTrace[] = [];
  const probe = compose(withPrometheus({ registry }), (target, options) => {
    hooks.push(options?.trace as DialTrace);
    return base(target, options as never);
  });
  await using server = await goodPeer();
  (await probe(server.address)).destroy();
  const seen = (serverName: string, peerCertificateExpiresAt: number | undefined) =>
    hooks[0]?.tlsHandshakeDone?.({ serverName, durationMs: 1, outcome: "success", peerCertificateExpiresAt });

  assert.deepEqual(await expiry(), [], "there is no expiry before the first handshake");
  seen("a", 5_000_000);
  seen("b", 3_000_000);
  assert.deepEqual(await expiry(), [3000]);
  seen("b", undefined);
  assert.deepEqual(await expiry(), [3000], "a resumed session shows no certificate");
  seen("b", 9_000_000);
  assert.deepEqual(await expiry(), [5000], "the certificate of b was renewed");
  registry.resetMetrics();
  assert.deepEqual(await expiry(), [5000]);
  for (let name = 0; name < 31; name += 1) seen(`n${name}`, 7_000_000);
  assert.deepEqual(await expiry(), [5000], "later dates of other names hide nothing");
});

test("tls can run over tls, as with an https proxy", async () => {
  await using inner = await tlsPeer(valid, (socket) => socket.write("hi"));
  const { connect } = await import("node:net");
  await using outer = await tlsPeer(valid, (socket) => {
    const through = connect(inner.port, "127.0.0.1");
    socket.pipe(through).pipe(socket);
    through.on("error", () => socket.destroy());
    socket.on("close", () => through.destroy());
  });
  const viaOuter: Dialer<TLSSocket> = (_target, options) =>
    tls({ ca: ca.cert }, base)(`db.test:${outer.port}`, options);
  const conn = await compose(tls({ ca: ca.cert }, viaOuter))("a.wild.test:443");
  assert.equal(await read(conn, 2), "hi");
  conn.destroy();
});

test("tls limits the length of an error about a certificate with huge names", async () => {
  const names = Array.from({ length: 1500 }, (_, index) => `DNS:name-${index}.${"x".repeat(50)}.test`);
  const ca = authority();
  await using server = await tlsPeer(ca.issue({ name: "peer.test", alternatives: names }));
  const dial = compose(tls({ ca: ca.cert, serverName: "other.test" }));
  const error: Error = await dial(`127.0.0.1:${server.port}`).then(
    () => assert.fail("it fails"),
    (error) => error,
  );
  assert.equal((error as DialError).reason, "tls_hostname");
  assert.ok(Buffer.byteLength(error.message) <= 1024);
  assert.ok(inspect(error, { depth: 6, maxStringLength: null }).length < 20_000);
});
