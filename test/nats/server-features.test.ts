import assert from "node:assert/strict";
import { after, test } from "node:test";
import { compose, DialError, type Dialer, type Reason, tcp } from "../../src/index.ts";
import type { ConnectOptions } from "../../src/nats.ts";
import { authority } from "../support/certificates.ts";
import { connecting, eager, measured } from "../support/nats-client.ts";
import { connect as connectUnwatched } from "../support/nats-line.ts";
import { isNatsServerAtLeast, startNats } from "../support/nats-server.ts";
import { openSockets, until } from "../support/resources.ts";
import { temporaryFile } from "../support/temporary.ts";

const ca = authority();
const issued = ca.issue({ name: "localhost", alternatives: ["DNS:localhost", "IP:127.0.0.1"] });
const tlsFiles = `cert_file: "${temporaryFile("cert.pem", issued.cert)}", key_file: "${temporaryFile("key.pem", issued.key)}"`;
const trusting = { ca: ca.cert };

const connect = connecting();
after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

/** Skips a test on servers older than `version`, with a message. */
function since(...version: [number, number, number]) {
  return { skip: isNatsServerAtLeast(version) ? false : `needs nats-server ${version.join(".")} or newer` };
}

async function isEncrypted(options: ConnectOptions): Promise<boolean> {
  const nc = await connectUnwatched(options);
  await nc.flush();
  const { transport } = (nc as unknown as { protocol: { transport: { isEncrypted(): boolean } } }).protocol;
  const encrypted = transport.isEncrypted();
  await nc.close();
  return encrypted;
}

async function fails(options: ConnectOptions, reason: Reason): Promise<void> {
  await assert.rejects(connectUnwatched(options), (error) => {
    assert.ok(error instanceof DialError, String(error));
    assert.equal(error.reason, reason, String(error));
    return true;
  });
}

async function failsOnce(options: ConnectOptions, reason: Reason): Promise<void> {
  const { dialer, trace, counted } = measured();
  await fails({ ...options, dialer, trace }, reason);
  assert.deepEqual(await counted("dialer_attempt_failed_total"), [`error_type=${reason} → 1`]);
}

test("a server that offers TLS accepts clients with TLS and, with tls: null, without", async () => {
  await using server = await startNats([], `allow_non_tls: true\ntls { ${tlsFiles} }`);
  const servers = `localhost:${server.port}`;
  assert.equal(await isEncrypted({ servers, tls: trusting }), true);
  assert.equal(await isEncrypted({ servers, tls: null }), false);
  await failsOnce({ servers }, "tls_cert_untrusted");
});

test("a server that requires TLS gets TLS without a tls option", async () => {
  await using server = await startNats([], `tls { ${tlsFiles} }`);
  await failsOnce({ servers: `localhost:${server.port}` }, "tls_cert_untrusted");
});

test("handshakeFirst fails with tls_protocol at a server that sends INFO first", async () => {
  await using server = await startNats();
  await failsOnce({ servers: server.address, tls: { ...trusting, handshakeFirst: true } }, "tls_protocol");
});

test("handshakeFirst works over a reconnect", since(2, 10, 4), async () => {
  await using server = await startNats([], `tls { ${tlsFiles}, handshake_first: true }`);
  let back = 0;
  const nc = await connect({
    servers: server.address,
    tls: { ...trusting, handshakeFirst: true },
    ...eager,
    onReconnect: () => {
      back += 1;
    },
  });
  await server.stop();
  await server.start();
  await until(() => back === 1, "the client is back");
  await nc.flush();
});

test("a plain client times out at a server that waits for a TLS handshake before INFO", since(2, 10, 4), async () => {
  await using server = await startNats([], `tls { ${tlsFiles}, handshake_first: true }`);
  await fails({ servers: server.address, tls: trusting, timeout: 300 }, "timeout");
});

test(
  "a server with a fallback from handshake_first accepts both kinds of clients over TLS",
  since(2, 10, 4),
  async () => {
    // The client that begins with the handshake must do so before the fallback, even after a pause.
    for (const [handshakeFirst, fallback] of [
      [true, "30s"],
      [false, "100ms"],
    ] as const) {
      await using server = await startNats([], `tls { ${tlsFiles}, handshake_first: "${fallback}" }`);
      assert.equal(await isEncrypted({ servers: server.address, tls: { ...trusting, handshakeFirst } }), true);
    }
  },
);

/** Sends a PROXY protocol header before the client's own handshake, as a load balancer does. */
function behindBalancer(header: string): Dialer {
  const direct = compose(tcp());
  return (target, options = {}) =>
    direct(target, {
      ...options,
      handshake: async (conn, context) => {
        conn.write(header);
        return options.handshake?.(conn, context) ?? conn;
      },
    });
}

test("a PROXY protocol header sent by the dialer reaches the server", since(2, 14, 0), async () => {
  await using server = await startNats([], "proxy_protocol: true");
  const dialer = behindBalancer("PROXY TCP4 192.0.2.7 127.0.0.1 51000 4222\r\n");
  let back = 0;
  const nc = await connect({
    servers: server.address,
    dialer,
    ...eager,
    onReconnect: () => {
      back += 1;
    },
  });
  assert.equal(nc.info?.client_ip, "192.0.2.7");
  await nc.reconnect();
  await until(() => back === 1, "the client is back");
  assert.equal(nc.info?.client_ip, "192.0.2.7");
});

test("a user that requires a trusted proxy fails with auth_failed without the proxy", since(2, 12, 0), async () => {
  await using server = await startNats(
    [],
    "authorization { users: [ { user: worker, password: work, proxy_required: true } ] }",
  );
  await failsOnce({ servers: server.address, user: "worker", pass: "work" }, "auth_failed");
});

test("no_auth_user accepts a client without credentials, and wrong credentials fail with auth_failed", async () => {
  await using server = await startNats(
    [],
    "accounts: { A: { users: [ { user: guest, password: guest } ] } }\nno_auth_user: guest",
  );
  const nc = await connect({ servers: server.address });
  await nc.flush();
  await failsOnce({ servers: server.address, user: "guest", pass: "wrong" }, "auth_failed");
});

const limited = (limits: string) =>
  `accounts: { A: { users: [ { user: worker, password: work } ], limits: { ${limits} } } }`;
const worker = { user: "worker", pass: "work" };

test("exceeding an account's connection limit fails with server_limit", since(2, 12, 0), async () => {
  await using server = await startNats([], limited("max_connections: 1"));
  await connect({ servers: server.address, ...worker });
  await failsOnce({ servers: server.address, ...worker }, "server_limit");
});

for (const [what, config, options] of [
  ["a server's", () => "max_subscriptions: 1", since(0, 0, 0)],
  ["an account's", () => limited("max_subscriptions: 1"), since(2, 12, 0)],
] as const) {
  test(`exceeding ${what} subscription limit is reported once and keeps the connection`, options, async () => {
    await using server = await startNats([], config());
    const { dialer, trace, counted } = measured();
    const told: string[] = [];
    const nc = await connect({
      servers: server.address,
      ...(what === "an account's" && worker),
      dialer,
      trace,
      onError: ({ kind, error }) => told.push(`${kind}: ${(error as Error).message.replaceAll("'", "")}`),
    });
    nc.subscribe("a", { callback() {} });
    nc.subscribe("b", { callback() {} });
    await nc.flush();
    assert.deepEqual(told, ["protocol: maximum subscriptions exceeded"]);
    assert.deepEqual(await counted("nats_client_disconnects_total"), []);
    assert.deepEqual(await counted("nats_client_connection_status"), ["nats_client_state=connected → 1"]);
  });
}

test("the client refuses a payload above the account's limit before sending it", since(2, 12, 0), async () => {
  await using server = await startNats([], limited("max_payload: 100"));
  const nc = await connect({ servers: server.address, ...worker });
  // The limit arrives with an INFO after CONNECT.
  await nc.flush();
  assert.equal(nc.info?.max_payload, 100);
  assert.throws(() => nc.publish("a", "x".repeat(101)), /max_?payload/i);
});

test("unknown fields of INFO are kept", since(2, 12, 0), async () => {
  await using server = await startNats(["--name", "n1"]);
  const names: unknown[] = [];
  const nc = await connect({ servers: server.address, onConnect: ({ identity }) => names.push(identity.name) });
  await nc.flush();
  const info = nc.info as unknown as Record<string, unknown>;
  assert.equal(typeof info.xkey === "string" || typeof info.api_lvl === "number", true, JSON.stringify(info));
  assert.deepEqual(names, ["n1"]);
});
