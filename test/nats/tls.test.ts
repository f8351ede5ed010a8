import assert from "node:assert/strict";
import { unlinkSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { TLSSocket } from "node:tls";
import { compose, DialError, type Reason, tcp, withRetry, withTrace } from "../../src/index.ts";
import type { ConnectOptions } from "../../src/nats.ts";
import { authority, type Issued, inDays } from "../support/certificates.ts";
import { connecting, eager, measured } from "../support/nats-client.ts";
import { infoLine } from "../support/nats-peer.ts";
import { isNatsServerAtLeast, startNats } from "../support/nats-server.ts";
import { peer } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";
import { temporaryFile, temporaryFolder } from "../support/temporary.ts";

const ca = authority();
const serverCertificate = ca.issue({ name: "localhost", alternatives: ["DNS:localhost", "IP:127.0.0.1"] });
const clientCertificate = ca.issue({ name: "worker", usage: "clientAuth" });

const connect = connecting();
after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

/** A server that requires TLS; `lines` are added to its TLS configuration. */
function startTlsNats({ cert, key }: Issued, lines = "") {
  const files = `cert_file: "${temporaryFile("cert.pem", cert)}", key_file: "${temporaryFile("key.pem", key)}"`;
  return startNats([], `tls { ${files}\n${lines} }`);
}

const mutual = () => `ca_file: "${temporaryFile("ca.pem", ca.cert)}", verify: true`;

async function letIn(options: ConnectOptions): Promise<void> {
  const { dialer, trace, counted } = measured();
  const nc = await connect({ ...options, dialer, trace });
  nc.subscribe("echo", { callback: (_, msg) => void msg.respond(msg.data) });
  assert.equal((await nc.request("echo", "hello", { timeout: 30_000 })).string(), "hello");
  await nc.close();
  assert.deepEqual(await counted("dialer_attempt_failed_total"), []);
  assert.ok(
    (await counted("dialer_phase_duration_seconds_count")).includes("dialer_phase=tls,error_type= → 1"),
    "one TLS handshake, and it succeeded",
  );
}

async function turnedAway(options: ConnectOptions, reason: Reason): Promise<void> {
  const { dialer, trace, counted } = measured();
  await assert.rejects(connect({ ...options, dialer, trace }), (error) => {
    assert.ok(error instanceof DialError, String(error));
    assert.equal(error.reason, reason);
    return true;
  });
  assert.deepEqual(await counted("dialer_attempt_failed_total"), [`error_type=${reason} → 1`]);
  assert.deepEqual(await counted("dialer_connection_established_total"), []);
  assert.deepEqual(await counted("nats_client_disconnects_total"), []);
  await until(() => openSockets() === 0, "the refused connection's socket is closed");
}

/** Expects a connect to fail after one attempt of a dialer that could retry. */
async function notRetried(options: ConnectOptions): Promise<void> {
  let attempts = 0;
  const count = withTrace({
    attemptStart: () => {
      attempts += 1;
    },
  });
  const dialer = compose(count, withRetry({ maxAttempts: 3, initialBackoffMs: 1 }), tcp());
  await assert.rejects(connect({ ...options, dialer }));
  assert.equal(attempts, 1);
}

test("connect uses TLS by option and by URL, with a name and with an address", async () => {
  await using server = await startTlsNats(serverCertificate);
  await letIn({ servers: `localhost:${server.port}`, tls: { ca: ca.cert } });
  await letIn({ servers: server.address, tls: { ca: ca.cert } });
  await letIn({ servers: `tls://localhost:${server.port}`, tls: { caFile: temporaryFile("ca.pem", ca.cert) } });
});

test("a client with tls fails with tls_protocol at a server without TLS, and is not retried", async () => {
  await using server = await startNats();
  await turnedAway({ servers: server.address, tls: {} }, "tls_protocol");
  await turnedAway({ servers: `tls://${server.address}` }, "tls_protocol");
  await notRetried({ servers: server.address, tls: {} });
});

test("a client with tls: null fails with tls_protocol at a server that requires TLS, and is not retried", async () => {
  await using server = await startTlsNats(serverCertificate);
  await turnedAway({ servers: server.address, tls: null }, "tls_protocol");
  await notRetried({ servers: server.address, tls: null });
});

for (const option of ["caFile", "certFile", "keyFile"]) {
  for (const [what, path] of [
    ["missing", "/nowhere/file.pem"],
    ["a folder", temporaryFolder()],
    ["beneath a file", `${temporaryFile("file", "")}/file.pem`],
  ]) {
    test(`a ${option} that is ${what} fails with config, names option and path, and is not retried`, async () => {
      await using server = await startTlsNats(serverCertificate);
      const options = { servers: server.address, tls: { ca: ca.cert, [option]: path } };
      await turnedAway(options, "config");
      await notRetried(options);
      await assert.rejects(connect(options), new RegExp(`connect: tls\\.${option} ${path} cannot be read: E`));
    });
  }
}

test("a reconnect trusts the last content of a caFile that is missing", async () => {
  await using server = await startTlsNats(serverCertificate);
  const caFile = temporaryFile("ca.pem", ca.cert);
  let reconnects = 0;
  await connect({
    servers: server.address,
    tls: { caFile },
    ...eager,
    onReconnect: () => {
      reconnects += 1;
    },
  });
  unlinkSync(caFile);
  await server.stop();
  await server.start();
  await until(() => reconnects === 1, "the client is back");
});

test("a first connect that continues reads a caFile that was missing at the first attempt", async () => {
  await using server = await startTlsNats(serverCertificate);
  const caFile = temporaryFile("ca.pem", ca.cert);
  unlinkSync(caFile);
  const reasons: unknown[] = [];
  const connected = connect({
    servers: server.address,
    tls: { caFile },
    retryOnFailedConnect: true,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: (_attempt, error) => {
      reasons.push((error as { reason?: string }).reason);
      return 10;
    },
  });
  await until(() => reasons.length > 0, "the first attempt has failed");
  writeFileSync(caFile, ca.cert);
  await (await connected).flush();
  assert.equal(reasons[0], "config");
});

/** Sends INFO, then upgrades to TLS and records the names of SNI. */
async function namedPeer({ cert, key }: Issued) {
  const names: (string | false | undefined)[] = [];
  const server = await peer((socket) => {
    socket.write(infoLine({ tls_required: true }));
    const secured = new TLSSocket(socket, { isServer: true, cert, key });
    secured.on("error", () => {});
    secured.on("secure", () => names.push((secured as { servername?: string | false }).servername));
    secured.on("data", (bytes) => {
      if (/^PING\r$/m.test(bytes.toString())) secured.write("PONG\r\n");
    });
  });
  return { server, names };
}

test("tls.host and tls.servername are used for the certificate check and for SNI", async () => {
  const { server, names } = await namedPeer(ca.issue({ name: "db.test" }));
  await using _ = server;
  const byName = `localhost:${server.port}`;
  for (const [servers, names_] of [
    [server.address, { host: "db.test" }],
    [byName, { host: "db.test" }],
    [server.address, { servername: "db.test" }],
    [byName, { servername: "db.test" }],
    [byName, { servername: "db.test", host: "elsewhere.test" }],
    [server.address, { servername: "", host: "db.test" }],
  ] as const) {
    await connect({ servers, tls: { ca: ca.cert, ...names_ } as object });
  }
  assert.deepEqual(names, ["db.test", "db.test", "db.test", "db.test", "db.test", false]);
  for (const [servers, names_] of [
    [server.address, {}],
    [byName, {}],
    [server.address, { host: "elsewhere.test" }],
    [byName, { host: "elsewhere.test" }],
    [server.address, { servername: "elsewhere.test", host: "db.test" }],
  ] as const) {
    await assert.rejects(
      connect({ servers, tls: { ca: ca.cert, ...names_ } as object }),
      (error) => error instanceof DialError && error.reason === "tls_hostname",
    );
  }
});

test("without names in tls, a server's name is used for the check and for SNI, an address only for the check", async () => {
  const { server, names } = await namedPeer(serverCertificate);
  await using _ = server;
  await connect({ servers: `localhost:${server.port}`, tls: { ca: ca.cert } });
  await connect({ servers: server.address, tls: { ca: ca.cert } });
  assert.deepEqual(names, ["localhost", false]);
});

test("TLS survives a reconnect", async () => {
  await using server = await startTlsNats(serverCertificate);
  let back = false;
  const nc = await connect({
    servers: `tls://localhost:${server.port}`,
    tls: { ca: ca.cert },
    ...eager,
    onReconnect: () => {
      back = true;
    },
  });
  await server.stop();
  await server.start();
  await until(() => back, "the client is back");
  await nc.flush();
  await nc.close();
});

test("a client with a certificate connects over TLS", async () => {
  await using server = await startTlsNats(serverCertificate, mutual());
  const { cert, key } = clientCertificate;
  await letIn({ servers: server.address, tls: { ca: ca.cert, cert, key } });
  const files = { certFile: temporaryFile("cert.pem", cert), keyFile: temporaryFile("key.pem", key) };
  await letIn({ servers: server.address, tls: { ca: ca.cert, ...files } });
});

test("a reconnect uses the last usable TLS files while new ones are half written", async () => {
  await using server = await startTlsNats(serverCertificate, mutual());
  const { cert, key } = clientCertificate;
  const files = {
    caFile: temporaryFile("ca.pem", ca.cert),
    certFile: temporaryFile("cert.pem", cert),
    keyFile: temporaryFile("key.pem", key),
  };
  let times = 0;
  const nc = await connect({
    servers: server.address,
    tls: files,
    ...eager,
    onReconnect: () => {
      times += 1;
    },
  });
  const other = ca.issue({ name: "worker", usage: "clientAuth" });
  const states: readonly (readonly [keyof typeof files, string])[] = [
    ["caFile", ""],
    ["caFile", ca.cert + ca.cert.slice(0, 200)],
    ["certFile", other.cert],
    ["keyFile", other.key.slice(0, 100)],
    ["keyFile", other.key],
  ];
  for (const [index, [file, content]] of states.entries()) {
    writeFileSync(files[file], content);
    await server.stop();
    await server.start();
    await until(() => times === index + 1, `the client is back while ${file} is ${content.length} bytes long`);
    await nc.flush();
  }
  await nc.close();
});

test("an unusable TLS file fails with a config error that names it and is not retried", async () => {
  await using server = await startTlsNats(serverCertificate);
  const { cert, key } = clientCertificate;
  const missing = `${temporaryFile("ca.pem", ca.cert)}.none`;
  const good = { ca: ca.cert, certFile: temporaryFile("cert.pem", cert), keyFile: temporaryFile("key.pem", key) };
  for (const [option, path] of [
    ["caFile", missing],
    ["caFile", temporaryFile("ca.pem", "")],
    ["caFile", temporaryFile("ca.pem", "junk")],
    ["certFile", temporaryFile("cert.pem", cert.slice(0, 200))],
    ["keyFile", temporaryFile("key.pem", cert)],
  ] as const) {
    const tls = { ...(option === "caFile" ? {} : good), [option]: path };
    await turnedAway({ servers: server.address, tls }, "config");
    await assert.rejects(connect({ servers: server.address, tls }), (error: Error) => {
      assert.match(error.message, new RegExp(`connect: tls\\.${option} `));
      assert.ok(error.message.includes(path), error.message);
      return true;
    });
  }
});

test("a missing client certificate fails with tls_client_cert, reported once", async () => {
  await using server = await startTlsNats(serverCertificate, mutual());
  await turnedAway({ servers: server.address, tls: { ca: ca.cert } }, "tls_client_cert");
});

test("a client certificate of an unknown authority fails with tls_client_cert, reported once", async () => {
  await using server = await startTlsNats(serverCertificate, mutual());
  const { cert, key } = authority("strangers").issue({ name: "worker", usage: "clientAuth" });
  await turnedAway({ servers: server.address, tls: { ca: ca.cert, cert, key } }, "tls_client_cert");
});

test("a server certificate of an unknown authority fails with tls_cert_untrusted, reported once", async () => {
  await using server = await startTlsNats(serverCertificate);
  await turnedAway({ servers: server.address, tls: {} }, "tls_cert_untrusted");
});

test("a server certificate for another name fails with tls_hostname, reported once", async () => {
  await using server = await startTlsNats(ca.issue({ name: "elsewhere.test" }));
  await turnedAway({ servers: `localhost:${server.port}`, tls: { ca: ca.cert } }, "tls_hostname");
  await turnedAway({ servers: server.address, tls: { ca: ca.cert } }, "tls_hostname");
});

test("an expired server certificate fails with tls_cert_expired, reported once", async () => {
  const expired = ca.issue({ name: "localhost", from: inDays(-2), until: inDays(-1) });
  await using server = await startTlsNats(expired);
  await turnedAway({ servers: `localhost:${server.port}`, tls: { ca: ca.cert } }, "tls_cert_expired");
});

const skip = isNatsServerAtLeast([2, 10, 4]) ? false : "needs nats-server 2.10.4 or newer";

test("handshakeFirst does TLS before INFO", { skip }, async () => {
  await using server = await startTlsNats(serverCertificate, "handshake_first: true");
  await letIn({ servers: server.address, tls: { ca: ca.cert, handshakeFirst: true } });
});
