import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import {
  compose,
  httpProxy,
  type TlsDialerOptions as TlsOptions,
  tcp,
  tls,
  withTimeout,
  withTrace,
} from "../../../src/index.ts";
import { type Checks, dialErrorOf, readLine } from "./checks.ts";
import { type Greeting, stage, untilSeen } from "./stage.ts";

type Server = keyof typeof stage.tls;

/** Names of the test servers, all on this host. */
const base = tcp({
  lookup: (_host, { family }, callback) => callback(null, family === 4 ? [{ address: "127.0.0.1", family }] : []),
});
const dialerOf = (options: TlsOptions = {}) => compose(tls({ ca: stage.ca, ...options }, base));
const target = (server: Server) => `db.test:${stage.tls[server]}`;

async function greeting(conn: TLSSocket): Promise<Greeting> {
  const line = await readLine(conn);
  conn.destroy();
  return JSON.parse(line);
}

/** Dials twice, and returns how the server and the client saw the second handshake. */
async function second(server: Server): Promise<readonly boolean[]> {
  const resumed: boolean[] = [];
  const dial = compose(withTrace({ tlsHandshakeDone: (info) => void resumed.push(info.resumed === true) }), dialerOf());
  const first = await greeting(await dial(target(server)));
  assert.equal(first.resumed, false);
  return [(await greeting(await dial(target(server)))).resumed, ...resumed];
}

export const tlsChecks: Checks = {
  "tls checks the certificate and sends the name": async () => {
    const conn = await dialerOf()(target("good"));
    assert.equal((await greeting(conn)).servername, "db.test");
    assert.equal(conn.authorized, true);
  },

  "tls negotiates the protocol of the application": async () => {
    const conn = await dialerOf({ alpnProtocols: ["h2", "http/1.1"] })(target("good"));
    const { alpnProtocol } = conn;
    assert.equal((await greeting(conn)).alpn, "http/1.1");
    assert.equal(alpnProtocol, "http/1.1");
  },

  "tls reports version, cipher and expiry to hooks": async () => {
    const infos: unknown[] = [];
    const trace = withTrace({
      tlsHandshakeDone: ({ outcome, protocol, cipher, resumed, peerCertificateExpiresAt: expiry }) =>
        void infos.push([outcome, protocol, typeof cipher, resumed, Number(expiry) > Date.now()]),
    });
    await greeting(await compose(trace, dialerOf())(target("good")));
    await greeting(await compose(trace, dialerOf())(target("old")));
    assert.deepEqual(infos, [
      ["success", "TLSv1.3", "string", false, true],
      ["success", "TLSv1.2", "string", false, true],
    ]);
  },

  "tls resumes sessions of TLS 1.3": async () => assert.deepEqual(await second("good"), [true, false, true]),

  "tls resumes sessions of TLS 1.2": async () => assert.deepEqual(await second("old"), [true, false, true]),

  "tls fails with tls_cert_expired for an expired certificate": async () => {
    assert.equal((await dialErrorOf(dialerOf()(target("expired")))).reason, "tls_cert_expired");
  },

  "tls fails with tls_cert_untrusted for the certificate of an unknown authority": async () => {
    assert.equal((await dialErrorOf(dialerOf()(target("stranger")))).reason, "tls_cert_untrusted");
  },

  "tls fails with tls_hostname for the certificate of another name": async () => {
    const error = await dialErrorOf(dialerOf()(`other.test:${stage.tls.good}`));
    assert.equal(error.reason, "tls_hostname");
  },

  "tls checks the address of a target in another notation": async () => {
    const conn = await compose(tls({ ca: stage.ca }))(`127.1:${stage.tls.good}`);
    conn.destroy();
    assert.equal(conn.authorized, true);
  },

  "tls fails with tls_protocol where no TLS is spoken": async () => {
    assert.equal((await dialErrorOf(dialerOf()(stage.peers.echo))).reason, "tls_protocol");
  },

  "tls fails with tls_closed or reset when the server goes away": async () => {
    const { reason } = await dialErrorOf(dialerOf()(stage.peers.resetting));
    assert.match(reason, /^(?:tls_closed|reset)$/);
  },

  "tls sends the client's certificate": async () => {
    assert.equal((await greeting(await dialerOf(stage.client)(target("mutual")))).clientCertificate, true);
  },

  "tls fails with tls_client_cert without the client's certificate": async () => {
    const handshake = async (conn: TLSSocket) => {
      await readLine(conn);
      return conn;
    };
    for (let dials = 0; dials < 20; dials += 1) {
      assert.equal((await dialErrorOf(dialerOf()(target("mutual"), { handshake }))).reason, "tls_client_cert");
    }
  },

  "tls fails with tls_client_cert without the client's certificate under TLS 1.2": async () => {
    assert.equal((await dialErrorOf(dialerOf()(target("oldMutual")))).reason, "tls_client_cert");
  },

  "tls refuses a key of another certificate": async () => {
    const key = { cert: stage.client.cert, key: stage.otherKey };
    assert.throws(() => tls(key), { code: "ERR_INVALID_OPTION" });
  },

  "tls keeps the previous certificate while only its key file is new": async () => {
    const folder = await mkdtemp(join(tmpdir(), "dialtrace-"));
    const [certFile, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
    try {
      await Promise.all([writeFile(certFile, stage.client.cert), writeFile(keyFile, stage.client.key)]);
      const dial = dialerOf({ certFile, keyFile });
      assert.equal((await greeting(await dial(target("mutual")))).clientCertificate, true);
      await writeFile(keyFile, stage.otherKey);
      assert.equal((await greeting(await dial(target("mutual")))).clientCertificate, true);
    } finally {
      await rm(folder, { recursive: true });
    }
  },

  "tls checks a function of the user's and pins": async () => {
    const refused = await dialErrorOf(dialerOf({ checkServerIdentity: () => new Error("no") })(target("good")));
    assert.match(refused.message, /no/);
    const pinned = await dialErrorOf(dialerOf({ pins: [Buffer.alloc(32).toString("base64")] })(target("good")));
    assert.match(pinned.reason, /^tls_/);
  },

  "tls to a server that never answers times out and leaves no connection": async () => {
    const error = await dialErrorOf(compose(withTimeout({ timeoutMs: 100 }), dialerOf())(stage.peers.silent));
    assert.equal(error.reason, "timeout");
    await untilSeen("silent", ({ open }) => open === 0);
  },

  "tls runs through a proxy": async () => {
    const dial = compose(
      tls({ ca: stage.ca, serverName: "db.test" }, httpProxy({ proxy: `http://${stage.httpProxy}` })),
    );
    const conn = await dial(`127.0.0.1:${stage.tls.good}`);
    assert.equal((await greeting(conn)).servername, "db.test");
  },
};
