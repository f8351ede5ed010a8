import assert from "node:assert/strict";
import { after, test } from "node:test";
import { DialError, type Reason } from "../../src/index.ts";
import type { ConnectOptions } from "../../src/nats.ts";
import { authority, type Issued, inDays } from "../support/certificates.ts";
import { connecting, eager, measured } from "../support/nats-client.ts";
import { isNatsServerAtLeast, startNats } from "../support/nats-server.ts";
import { openSockets, until } from "../support/resources.ts";
import { temporaryFile } from "../support/temporary.ts";

const ca = authority();
const serverCertificate = ca.issue({ name: "localhost", alternatives: ["DNS:localhost", "IP:127.0.0.1"] });
const clientCertificate = ca.issue({ name: "worker", usage: "clientAuth" });

const connect = connecting();
after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

/** A server that speaks TLS only; `lines` are further ones of its configuration about TLS. */
function startTlsNats({ cert, key }: Issued, lines = "") {
  const files = `cert_file: "${temporaryFile("cert.pem", cert)}", key_file: "${temporaryFile("key.pem", key)}"`;
  return startNats([], `tls { ${files}\n${lines} }`);
}

const mutual = () => `ca_file: "${temporaryFile("ca.pem", ca.cert)}", verify: true`;

async function letIn(options: ConnectOptions): Promise<void> {
  const { dialer, trace, counted } = measured();
  const nc = await connect({ ...options, dialer, trace });
  nc.subscribe("echo", { callback: (_, msg) => void msg.respond(msg.data) });
  assert.equal((await nc.request("echo", "hello")).string(), "hello");
  await nc.close();
  assert.deepEqual(await counted("dialer_attempts_failed_total"), []);
  assert.ok(
    (await counted("dialer_phase_duration_seconds_count")).includes("error_type=,phase=tls → 1"),
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
  assert.deepEqual(await counted("dialer_attempts_failed_total"), [`error_type=${reason} → 1`]);
  assert.deepEqual(await counted("dialer_connections_established_total"), []);
  assert.deepEqual(await counted("nats_client_disconnects_total"), []);
  await until(() => openSockets() === 0, "the refused connection's socket is closed");
}

test("TLS, by name and by address, by option and by URL", async () => {
  await using server = await startTlsNats(serverCertificate);
  await letIn({ servers: `localhost:${server.port}`, tls: { ca: ca.cert } });
  await letIn({ servers: server.address, tls: { ca: ca.cert } });
  await letIn({ servers: `tls://localhost:${server.port}`, tls: { caFile: temporaryFile("ca.pem", ca.cert) } });
});

test("TLS over a reconnect", async () => {
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

test("TLS with a client's certificate", async () => {
  await using server = await startTlsNats(serverCertificate, mutual());
  const { cert, key } = clientCertificate;
  await letIn({ servers: server.address, tls: { ca: ca.cert, cert, key } });
  const files = { certFile: temporaryFile("cert.pem", cert), keyFile: temporaryFile("key.pem", key) };
  await letIn({ servers: server.address, tls: { ca: ca.cert, ...files } });
});

test("no client's certificate where one is asked for is tls_client_cert, once", async () => {
  await using server = await startTlsNats(serverCertificate, mutual());
  await turnedAway({ servers: server.address, tls: { ca: ca.cert } }, "tls_client_cert");
});

test("a client's certificate of an unknown authority is tls_client_cert, once", async () => {
  await using server = await startTlsNats(serverCertificate, mutual());
  const { cert, key } = authority("strangers").issue({ name: "worker", usage: "clientAuth" });
  await turnedAway({ servers: server.address, tls: { ca: ca.cert, cert, key } }, "tls_client_cert");
});

test("a server's certificate of an unknown authority is tls_cert_untrusted, once", async () => {
  await using server = await startTlsNats(serverCertificate);
  await turnedAway({ servers: server.address, tls: {} }, "tls_cert_untrusted");
});

test("a server's certificate for another name is tls_hostname, once", async () => {
  await using server = await startTlsNats(ca.issue({ name: "elsewhere.test" }));
  await turnedAway({ servers: `localhost:${server.port}`, tls: { ca: ca.cert } }, "tls_hostname");
  await turnedAway({ servers: server.address, tls: { ca: ca.cert } }, "tls_hostname");
});

test("an expired server's certificate is tls_cert_expired, once", async () => {
  const expired = ca.issue({ name: "localhost", from: inDays(-2), until: inDays(-1) });
  await using server = await startTlsNats(expired);
  await turnedAway({ servers: `localhost:${server.port}`, tls: { ca: ca.cert } }, "tls_cert_expired");
});

const skip = isNatsServerAtLeast([2, 10, 4]) ? false : "needs nats-server 2.10.4 or newer";

test("TLS before INFO, where the server has it", { skip }, async () => {
  await using server = await startTlsNats(serverCertificate, "handshake_first: true");
  await letIn({ servers: server.address, tls: { ca: ca.cert, handshakeFirst: true } });
});
