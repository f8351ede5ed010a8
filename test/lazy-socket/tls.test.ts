import assert from "node:assert/strict";
import { once } from "node:events";
import { createSecureServer, connect as http2Connect } from "node:http2";
import { get } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { after, describe, test } from "node:test";
import { type TLSSocket, connect as tlsConnect } from "node:tls";
import { compose, type Dialer, lazySocket, lazySocketMode, tcp, tls } from "../../src/index.ts";
import { authority } from "../support/certificates.ts";
import { openSockets, until } from "../support/resources.ts";
import { tlsPeer } from "../support/tls-peers.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

const ca = authority();
const stranger = authority("another CA");
const server = ca.issue({ name: "db.test", alternatives: ["DNS:db.test", "IP:127.0.0.1"] });
const options = { ca: ca.cert, serverName: "db.test" };

/** What a TLS socket says of itself. */
function described(socket: TLSSocket) {
  const { encrypted, authorized, authorizationError, alpnProtocol, servername, pending, connecting, readyState } =
    socket;
  const { cipher, certificate } = {
    cipher: socket.getCipher(),
    certificate: socket.getPeerCertificate() as { subject?: unknown; raw?: Buffer },
  };
  return {
    ...{ encrypted, authorized, authorizationError, alpnProtocol, servername, pending, connecting, readyState, cipher },
    subject: certificate.subject,
    raw: certificate.raw?.toString("hex"),
    protocol: socket.getProtocol(),
    reused: socket.isSessionReused(),
    x509: socket.getPeerX509Certificate()?.subject,
    finished: socket.getFinished()?.length,
    exported: socket.exportKeyingMaterial(16, "label", Buffer.alloc(0)).length,
    hasSession: socket.getSession() !== undefined,
    remote: socket.remoteAddress,
  };
}

describe("a lazy socket over a TLS dialer", () => {
  for (const rejectUnauthorized of [true, false]) {
    test(`a lazy socket shows what a socket of tls.connect shows, with rejectUnauthorized ${rejectUnauthorized}`, async () => {
      await using peer = await tlsPeer({ ...server, ALPNProtocols: ["db"] }, (socket) => void socket.write("hi"));
      const trusted = rejectUnauthorized ? ca.cert : stranger.cert;
      const shared = { ca: trusted, rejectUnauthorized };
      const theirs = tlsConnect({
        ...{ port: peer.port, host: "127.0.0.1", servername: "db.test", ALPNProtocols: ["db"] },
        ...shared,
      });
      await once(theirs, "secureConnect");
      const expected = described(theirs);
      const dial = compose(tls({ ...shared, serverName: "db.test", alpnProtocols: ["db"] }));
      const ours = lazySocket(dial, `127.0.0.1:${peer.port}`, { event: "secureConnect" }) as TLSSocket;
      let sessions = 0;
      ours.on("session", () => {
        sessions += 1;
      });
      ours.write("hello");
      assert.equal(ours.encrypted, undefined);
      await once(ours, "secureConnect");
      assert.deepEqual(described(ours), expected);
      assert.equal(expected.authorized, rejectUnauthorized);
      assert.equal(lazySocketMode(ours), "forwarded");
      await once(ours, "data");
      await until(() => sessions > 0, "a ticket has arrived");
      assert.throws(() => ours.resetAndDestroy(), { code: "ERR_INVALID_HANDLE_TYPE" });
      for (const socket of [theirs, ours]) socket.destroy();
      for (const socket of [theirs, ours]) if (!socket.closed) await once(socket, "close");
    });
  }

  test("a certificate of another CA fails the socket before any byte is sent", async () => {
    let bytes = 0;
    await using peer = await tlsPeer({ ...server }, (socket) => {
      socket.on("data", (data) => {
        bytes += data.length;
      });
    });
    const dial = compose(tls({ ca: stranger.cert, serverName: "db.test" }));
    const socket = lazySocket(dial, `127.0.0.1:${peer.port}`, { event: "secureConnect" });
    const events: string[] = [];
    for (const event of ["connect", "ready", "secureConnect", "data"]) socket.on(event, () => events.push(event));
    socket.write("secret");
    const [error] = await once(socket, "error").catch((thrown) => [thrown]);
    assert.deepEqual([error.name, error.reason, events], ["DialError", "tls_cert_untrusted", []]);
    await until(() => socket.closed, "the socket has closed");
    assert.deepEqual([bytes, peer.secured.length], [0, 0]);
  });

  test("a socket taken from beneath TLS is never adopted: bytes pass the TLS socket", async () => {
    await using peer = await tlsPeer({ ...server }, (socket) => void socket.on("data", (data) => socket.write(data)));
    const socket = lazySocket(tls(options), `127.0.0.1:${peer.port}`);
    await once(socket, "connect");
    assert.equal((socket as unknown as { _handle: unknown })._handle, null);
    socket.write("ping");
    assert.equal(String((await once(socket, "data"))[0]), "ping");
    socket.end();
    await once(socket, "close");
  });

  test("resetAndDestroy before the connect closes a TLS connection, which cannot be reset", async () => {
    await using peer = await tlsPeer({ ...server });
    const socket = lazySocket(tls(options), `127.0.0.1:${peer.port}`).resetAndDestroy();
    const [hadError] = await once(socket, "close");
    assert.equal(hadError, false);
    await until(() => peer.secured.every((each) => each.destroyed), "the peer has closed");
  });

  test("two megabytes pass unchanged in both directions", async () => {
    await using peer = await tlsPeer({ ...server }, (socket) => void socket.pipe(socket));
    const socket = lazySocket(tls(options), `127.0.0.1:${peer.port}`);
    const sent = Buffer.alloc(2 * 1024 * 1024, "0123456789abcdef");
    socket.end(sent);
    const parts: Buffer[] = [];
    for await (const part of socket) parts.push(part);
    assert.ok(Buffer.concat(parts).equals(sent));
    assert.deepEqual([socket.bytesRead > 0, socket.bytesWritten >= sent.length], [true, true]);
  });
});

describe("TLS over a lazy socket", () => {
  for (const when of ["before", "after"] as const) {
    test(`tls.connect with a lazy socket ${when} it has connected carries data and verifies the server`, async () => {
      await using peer = await tlsPeer({ ...server }, (socket) => void socket.on("data", (data) => socket.write(data)));
      const lazy = lazySocket(compose(tcp()), `127.0.0.1:${peer.port}`);
      if (when === "after") await once(lazy, "connect");
      const secure = tlsConnect({ socket: lazy, ca: ca.cert, servername: "db.test" });
      secure.write("ping");
      assert.equal(String((await once(secure, "data"))[0]), "ping");
      assert.deepEqual([secure.authorized, lazySocketMode(lazy)], [true, "adopted"]);
      secure.end();
      await once(secure, "close");
      await until(() => lazy.destroyed, "the lazy socket has closed");
    });

    test(`tls.connect with a lazy socket ${when} it has connected refuses a certificate of another CA`, async () => {
      await using peer = await tlsPeer({ ...server });
      const lazy = lazySocket(compose(tcp()), `127.0.0.1:${peer.port}`);
      if (when === "after") await once(lazy, "connect");
      const secure = tlsConnect({ socket: lazy, ca: stranger.cert, servername: "db.test" });
      secure.write("secret");
      const [error] = await once(secure, "error").catch((thrown) => [thrown]);
      assert.match(error.code, /^(?:UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER)/);
      await until(() => lazy.destroyed, "the lazy socket has closed");
    });
  }

  test("tls.connect with a lazy socket whose dial fails passes the error on", async () => {
    const failing = lazySocket(async () => {
      throw Object.assign(new Error("no"), { code: "ECONNREFUSED" });
    }, "h:1");
    failing.on("error", () => {});
    const secure = tlsConnect({ socket: failing, ca: ca.cert, servername: "db.test" });
    const [error] = await once(secure, "error").catch((thrown) => [thrown]);
    assert.equal(error.code, "ECONNREFUSED");
    await until(() => secure.destroyed, "the TLS socket has closed");
  });

  test("http2 and https run over lazy sockets of a TLS dialer", async () => {
    const web = createSecureServer({ ...server, allowHTTP1: true }, (request, response) => {
      response.end(`${request.httpVersion} ${request.url}`);
    });
    web.listen(0, "127.0.0.1");
    await once(web, "listening");
    const { port } = web.address() as AddressInfo;
    const dial = compose(tls({ ...options, alpnProtocols: ["h2"] }));
    const session = http2Connect("https://db.test", {
      createConnection: () => lazySocket(dial, `127.0.0.1:${port}`, { event: "secureConnect" }),
    });
    const stream = session.request({ ":path": "/two" });
    let text = "";
    for await (const part of stream) text += part;
    assert.equal(text, "2.0 /two");
    await new Promise<void>((resolve) => session.close(resolve));

    const over = compose(tls({ ...options, alpnProtocols: ["http/1.1"] }));
    const request = get("https://db.test/one", {
      createConnection: () => lazySocket(over, `127.0.0.1:${port}`),
    });
    const [response] = await once(request, "response");
    let body = "";
    for await (const part of response) body += part;
    assert.equal(body, "1.1 /one");
    web.close();
    await once(web, "close");
  });

  test("a TLS dialer of the package may dial through lazy sockets", async () => {
    await using peer = await tlsPeer({ ...server }, (socket) => void socket.on("data", (data) => socket.write(data)));
    const over: Dialer<Socket> = async (target, { signal } = {}) => {
      const socket = lazySocket(tcp(), target, { signal });
      await once(socket, "connect");
      return socket;
    };
    const secure = await compose(tls(options, compose(over)))(`127.0.0.1:${peer.port}`);
    secure.write("ping");
    assert.equal(String((await once(secure, "data"))[0]), "ping");
    secure.destroy();
    await once(secure, "close");
  });
});
