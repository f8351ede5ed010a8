import assert from "node:assert/strict";
import { once } from "node:events";
import * as https from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { after, test } from "node:test";
import type { TLSSocket, TlsOptions } from "node:tls";
import { DialedHttpsAgent, type DialedHttpsAgentOptions } from "../../src/http.ts";
import { compose, type Dialer, httpProxy, lazySocketMode, tcp, tls, withTrace } from "../../src/index.ts";
import { authority } from "../support/certificates.ts";
import { peer } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";
import { loopback, tlsPeer } from "../support/tls-peers.ts";
import { get } from "./requests.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

const ca = authority();
const certificate = ca.issue({ name: "api.test" });

/** Starts Node's HTTPS server, whose answer is the name that the client has sent as SNI. */
async function httpsServer(options: TlsOptions = {}) {
  const sockets: TLSSocket[] = [];
  const server = https.createServer({ ...certificate, ...options }, (request, response) => {
    response.end(String((request.socket as TLSSocket).servername));
  });
  server.on("secureConnection", (socket: TLSSocket) => void sockets.push(socket));
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  return { port, sockets, close, url: `https://api.test:${port}/`, [Symbol.asyncDispose]: close };
}

const plain = tcp({ lookup: loopback });

/** Asks once, over a new agent. Resolves with the answer and the socket that it came from. */
async function ask<C extends Duplex>(dialer: Dialer<C>, url: string, options: DialedHttpsAgentOptions<C> = {}) {
  const agent = new DialedHttpsAgent(dialer, options);
  let socket: TLSSocket | undefined;
  const answer = await get(https, url, { agent }, (response) => {
    socket = response.socket as TLSSocket;
  });
  agent.destroy();
  return { answer, socket: socket as TLSSocket };
}

const askPlain = (url: string, options?: DialedHttpsAgentOptions) => ask(plain, url, options);

test("a DialedHttpsAgent over tcp() runs TLS with the agent's options within the dial, which reports the phase", async () => {
  await using server = await httpsServer();
  const phases: string[] = [];
  const observed = withTrace({
    tlsHandshakeDone: ({ serverName, outcome }) => void phases.push(`tls ${serverName} ${outcome}`),
    dialDone: ({ outcome }) => void phases.push(`dial ${outcome}`),
  });
  const { answer, socket } = await ask(compose(observed, plain), server.url, { ca: ca.cert });
  assert.equal(answer, "api.test");
  assert.deepEqual(phases, ["tls api.test success", "dial success"]);
  assert.deepEqual([socket.encrypted, socket.authorized, lazySocketMode(socket)], [true, true, "forwarded"]);
  assert.equal(socket.alpnProtocol, "http/1.1");
});

test("a DialedHttpsAgent rejects a request to a server of an unknown authority with the reason of the dial", async () => {
  await using server = await httpsServer();
  const reasons: unknown[] = [];
  const observed = withTrace({ dialDone: ({ reason }) => void reasons.push(reason) });
  const asked = ask(compose(observed, plain), server.url, { ca: authority("another").cert });
  await assert.rejects(asked, { name: "DialError", reason: "tls_cert_untrusted" });
  assert.deepEqual(reasons, ["tls_cert_untrusted"]);
});

test("a DialedHttpsAgent rejects a certificate for a name other than the URL's host", async () => {
  await using server = await httpsServer();
  await assert.rejects(askPlain(server.url.replace("api.test", "other.test"), { ca: ca.cert }), {
    reason: "tls_hostname",
    code: "ERR_TLS_CERT_ALTNAME_INVALID",
  });
});

test("a DialedHttpsAgent checks the certificate against the servername of the request", async () => {
  await using server = await httpsServer();
  const url = `https://127.0.0.1:${server.port}/`;
  assert.equal((await askPlain(url, { ca: ca.cert, servername: "api.test" })).answer, "api.test");
  await assert.rejects(askPlain(url, { ca: ca.cert }), { reason: "tls_hostname" });
});

test("a DialedHttpsAgent over tls() uses the dialer's TLS, whatever the agent's options are", async () => {
  await using server = await httpsServer();
  const dialer = tls({ ca: ca.cert }, plain);
  const trusting = await ask(dialer, server.url, { ca: authority("another").cert });
  assert.equal(trusting.answer, "api.test");
  assert.equal(server.sockets.length, 1);
  const distrusting = tls({}, plain);
  await assert.rejects(ask(distrusting, server.url, { ca: ca.cert, rejectUnauthorized: false }), {
    reason: "tls_cert_untrusted",
  });
});

test("a DialedHttpsAgent runs TLS to the target inside a tunnel whose connection is encrypted to the proxy only", async () => {
  await using server = await httpsServer();
  const first: number[] = [];
  await using proxy = await tlsPeer(ca.issue({ name: "proxy.test" }), (socket) => tunnel(socket, server.port, first));
  const over = tls({ ca: ca.cert }, plain);
  const dialer = httpProxy({ proxy: `https://proxy.test:${proxy.port}` }, over);
  assert.equal((await ask(dialer, server.url, { ca: ca.cert })).answer, "api.test");
  // 22 is a TLS handshake; a request in the clear would begin with the G of GET.
  assert.deepEqual(first, [22]);
  await assert.rejects(ask(dialer, server.url, { ca: authority("another").cert }));
  assert.deepEqual(first, [22, 22]);
});

test("a DialedHttpsAgent runs TLS inside a TLSSocket of another dialer, unless its certificate names the host", async () => {
  await using server = await httpsServer();
  const { connect: connectTls } = await import("node:tls");
  const dialer: Dialer<TLSSocket> = async (target) => {
    const { port } = new URL(`tcp://${target}`);
    const socket = connectTls({ port: Number(port), host: "127.0.0.1", ca: ca.cert, servername: "api.test" });
    await once(socket, "secureConnect");
    return socket;
  };
  assert.equal((await ask(dialer, server.url, { ca: ca.cert })).answer, "api.test");
  await assert.rejects(ask(dialer, server.url.replace("api.test", "other.test"), { ca: ca.cert }));
});

test("a DialedHttpsAgent sends nothing in the clear to a server without TLS", async () => {
  const first: number[] = [];
  await using server = await peer((socket) => {
    socket.once("data", ([byte]) => {
      first.push(byte as number);
      socket.destroy();
    });
  });
  await assert.rejects(askPlain(`https://api.test:${server.port}/`, { rejectUnauthorized: false }));
  assert.deepEqual(first, [22]);
});

test("a DialedHttpsAgent resumes a session, unless it did not verify the server", async () => {
  // TLS 1.2 sends the ticket before the answer.
  await using server = await httpsServer({ maxVersion: "TLSv1.2" });
  const agent = new DialedHttpsAgent(plain);
  const resumed: boolean[] = [];
  const once = (options: https.RequestOptions) =>
    get(https, server.url, { agent, ...options }, ({ socket }) => {
      resumed.push((socket as TLSSocket).isSessionReused());
    });
  await once({ ca: ca.cert });
  await once({ ca: ca.cert });
  assert.deepEqual(resumed, [false, true]);
  await once({ rejectUnauthorized: false });
  await assert.rejects(once({}), { reason: "tls_cert_untrusted" });
  await once({ ca: ca.cert, checkServerIdentity: () => undefined });
  assert.deepEqual(resumed.slice(2), [false, false]);
  agent.destroy();
});

test("a DialedHttpsAgent with maxCachedSessions 0 resumes no session", async () => {
  await using server = await httpsServer({ maxVersion: "TLSv1.2" });
  const agent = new DialedHttpsAgent(plain, { ca: ca.cert, maxCachedSessions: 0 });
  const resumed: boolean[] = [];
  for (let round = 0; round < 2; round += 1) {
    await get(https, server.url, { agent }, ({ socket }) => {
      resumed.push((socket as TLSSocket).isSessionReused());
    });
  }
  assert.deepEqual(resumed, [false, false]);
  agent.destroy();
});

test("a DialedHttpsAgent refuses a connection on which the dialer has negotiated HTTP/2", async () => {
  await using server = await httpsServer({ ALPNProtocols: ["h2", "http/1.1"] });
  const dialer = tls({ ca: ca.cert, alpnProtocols: ["h2", "http/1.1"] }, plain);
  await assert.rejects(ask(dialer, server.url), {
    reason: "config",
    message: /negotiated h2, but the client speaks only/,
  });
});

test("8 requests of a DialedHttpsAgent with maxSockets 2 open at most 2 connections, which are kept alive", async () => {
  await using server = await httpsServer();
  const agent = new DialedHttpsAgent(plain, { ca: ca.cert, keepAlive: true, maxSockets: 2 });
  const answers = await Promise.all(Array.from({ length: 8 }, () => get(https, server.url, { agent })));
  assert.deepEqual(answers, Array(8).fill("api.test"));
  assert.equal(server.sockets.length, 2);
  agent.destroy();
});

test("a DialedHttpsAgent whose server never begins TLS cancels the dial when the request times out", async () => {
  await using server = await peer((socket) => socket.resume());
  const outcomes: string[] = [];
  const observed = withTrace({ dialDone: ({ outcome }) => void outcomes.push(outcome) });
  const agent = new DialedHttpsAgent(compose(observed, plain), { ca: ca.cert });
  const asked = get(https, `https://api.test:${server.port}/`, { agent, timeout: 100 });
  await assert.rejects(asked, /the request timed out/);
  await until(() => outcomes.length === 1, "the dial has ended");
  assert.deepEqual(outcomes, ["canceled"]);
  await until(() => server.open.size === 0, "the connection is closed");
});

test("the handshake in the option dial of a DialedHttpsAgent runs beneath TLS", async () => {
  await using server = await httpsServer();
  const order: string[] = [];
  const observed = withTrace({ tlsHandshakeStart: () => void order.push("tls") });
  const { answer } = await ask(compose(observed, plain), server.url, {
    ca: ca.cert,
    dial: {
      async handshake(conn) {
        order.push("handshake");
        return conn;
      },
    },
  });
  assert.deepEqual([answer, order], ["api.test", ["handshake", "tls"]]);
});

/** Serves one CONNECT of a proxy, and notes the first byte that the client sends through it. */
function tunnel(socket: TLSSocket, port: number, first: number[]): void {
  socket.once("data", () => {
    const through: Socket = connect(port, "127.0.0.1", () => socket.write("HTTP/1.1 200 OK\r\n\r\n"));
    through.on("error", () => socket.destroy());
    socket.on("close", () => through.destroy());
    socket.once("data", ([byte]) => void first.push(byte as number));
    socket.pipe(through).pipe(socket);
  });
}
