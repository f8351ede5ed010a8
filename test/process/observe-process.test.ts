import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, get } from "node:http";
import { connect, type LookupFunction, Socket } from "node:net";
import { describe, it } from "node:test";
import { connect as connectTls, TLSSocket } from "node:tls";
import { Registry } from "prom-client";
import { compose, tcp, withRetry, withTrace } from "../../src/index.ts";
import { observeProcess, type ProcessObserver } from "../../src/process.ts";
import { withPrometheus } from "../../src/prometheus.ts";
import { authority } from "../support/certificates.ts";
import { countingHttpServer } from "../support/counting-servers.ts";
import { freePort, goodPeer, peer } from "../support/peers.ts";
import { until } from "../support/resources.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { tlsPeer } from "../support/tls-peers.ts";
import { scrape } from "../telemetry/exposition.ts";
import { literalConnect, recorder } from "./recorded.ts";

const ignore = () => {};
const ca = authority();
const issued = ca.issue({ name: "db.test", alternatives: ["DNS:db.test", "IP:127.0.0.1"] });

/** Observes while `work` runs. */
async function observing<T>(observers: readonly ProcessObserver[], work: () => Promise<T>): Promise<T> {
  const { stop } = observeProcess({ observers });
  try {
    return await work();
  } finally {
    stop();
  }
}

/** Resolves every name to an address that refuses, and then to loopback. */
const twoAddresses: LookupFunction = (_host, _options, done) =>
  setImmediate(done, null, [
    { address: "::1", family: 6 },
    { address: "127.0.0.1", family: 4 },
  ]);

describe("observeProcess", () => {
  for (const path of [null, "", undefined, false, 0]) {
    it(`observeProcess reports each target of connects with the option path ${JSON.stringify(path)}`, async () => {
      await using first = await goodPeer();
      await using second = await goodPeer();
      const targets: string[] = [];
      await observing([withTrace({ dialStart: ({ target }) => targets.push(String(target)) })], async () => {
        for (const { port } of [first, second]) {
          const socket = connect({ host: "127.0.0.1", port, path: path as never });
          await once(socket, "connect");
          socket.destroy();
        }
      });
      assert.deepEqual(targets, [first.address, second.address]);
    });
  }

  it("observeProcess reports the target of each server that an http.Agent connects to", async () => {
    const targets: string[] = [];
    const servers = await Promise.all([countingHttpServer(), countingHttpServer()]);
    await observing([withTrace({ dialStart: ({ target }) => targets.push(String(target)) })], async () => {
      for (const { port } of servers) {
        const [answer] = await once(get({ host: "127.0.0.1", port, agent: new Agent() }), "response");
        answer.resume();
        await once(answer, "end");
      }
    });
    for (const server of servers) await server[Symbol.asyncDispose]();
    assert.deepEqual(
      targets,
      servers.map(({ port }) => `127.0.0.1:${port}`),
    );
  });

  it("observeProcess reports a connect of net.connect, and its close with the bytes in both directions", async () => {
    await using server = await peer((socket) => socket.end("hello"));
    const { hooks, names, of } = recorder();
    await observing([hooks], async () => {
      const socket = connect(server.port, "127.0.0.1").on("data", ignore);
      socket.write("abc");
      await once(socket, "close");
    });
    assert.deepEqual(names(), [...literalConnect, "connClosed"]);
    const [closed] = of("connClosed");
    assert.deepEqual([String(closed?.target), closed?.bytesRead, closed?.bytesWritten], [server.address, 5, 3]);
    assert.equal(closed?.reason, "remote");
  });

  it("observeProcess reports each address that Node tries, and the error of an address that fails", async () => {
    await using server = await goodPeer();
    const { hooks, names, of } = recorder();
    await observing([hooks], async () => {
      const socket = connect({ host: "db.test", port: server.port, lookup: twoAddresses, autoSelectFamily: true });
      await once(socket, "connect");
      socket.destroy();
    });
    assert.deepEqual(names(), [
      "dialStart",
      "attemptStart",
      "dnsStart",
      "dnsDone",
      "connectStart",
      "connectDone",
      "connectStart",
      "connectDone",
      "attemptDone",
      "dialDone",
      "connClosed",
    ]);
    assert.deepEqual(
      of("dnsDone")[0]?.addresses?.map(({ address, family }) => [address, family]),
      [
        ["::1", "ipv6"],
        ["127.0.0.1", "ipv4"],
      ],
    );
    assert.deepEqual(
      of("connectDone").map(({ address, outcome, reason }) => [address?.address, outcome, reason]),
      [
        ["::1", "failure", "refused"],
        ["127.0.0.1", "success", undefined],
      ],
    );
  });

  it("observeProcess reports a name that does not resolve, with its port, as a failed dial", async () => {
    const { hooks, of } = recorder();
    const notFound: LookupFunction = (_host, _options, done) =>
      setImmediate(done, Object.assign(new Error("not found"), { code: "ENOTFOUND" }), "");
    await observing([hooks], async () => {
      await assert.rejects(once(connect({ host: "db.test", port: 5432, lookup: notFound }), "connect"));
    });
    const [done] = of("dialDone");
    assert.deepEqual([String(done?.target), done?.outcome, done?.reason], ["db.test:5432", "failure", "dns_not_found"]);
    assert.equal(of("dnsDone")[0]?.outcome, "failure");
  });

  it("observeProcess reports a refused connect, and leaves the client's error as it is", async () => {
    const port = await freePort();
    const { hooks, of } = recorder();
    const error = await observing([hooks], () => {
      const socket = connect(port, "127.0.0.1");
      return once(socket, "connect").then(ignore, (error: NodeJS.ErrnoException) => error);
    });
    assert.equal(error?.message, `connect ECONNREFUSED 127.0.0.1:${port}`);
    assert.equal(error?.name, "Error");
    assert.equal(of("dialDone")[0]?.reason, "refused");
    assert.equal(of("connClosed").length, 0);
  });

  it("observeProcess reports a unix socket with its path", { skip: process.platform === "win32" }, async () => {
    const path = `${temporaryFolder()}/x.sock`;
    const { createServer } = await import("node:net");
    const server = createServer((socket) => socket.end()).listen(path);
    await once(server, "listening");
    const { hooks, of } = recorder();
    await observing([hooks], () => once(connect(path).resume(), "close"));
    server.close();
    assert.deepEqual([String(of("dialDone")[0]?.target), of("dialDone")[0]?.outcome], [`unix:${path}`, "success"]);
    assert.equal(of("connectDone")[0]?.address?.family, "unix");
  });

  it("observeProcess reports the TLS of tls.connect as a phase of the attempt, with the certificate's expiry", async () => {
    await using server = await tlsPeer(issued);
    const { hooks, names, of } = recorder();
    await observing([hooks], async () => {
      const socket = connectTls({ host: "127.0.0.1", port: server.port, ca: ca.cert, servername: "db.test" });
      await once(socket, "secureConnect");
      socket.destroy();
    });
    const phase = ["tlsHandshakeStart", "tlsHandshakeDone"];
    assert.deepEqual(names(), [...literalConnect.slice(0, 4), ...phase, "attemptDone", "dialDone", "connClosed"]);
    const [tls] = of("tlsHandshakeDone");
    assert.deepEqual([tls?.protocol, tls?.serverName, tls?.resumed], ["TLSv1.3", "db.test", false]);
    assert.ok((tls?.peerCertificateExpiresAt ?? 0) > Date.now());
  });

  it("observeProcess fails the dial of a certificate that the client does not accept", async () => {
    await using server = await tlsPeer(issued);
    const { hooks, of } = recorder();
    await observing([hooks], () =>
      assert.rejects(once(connectTls({ host: "127.0.0.1", port: server.port }), "secureConnect")),
    );
    assert.equal(of("connectDone")[0]?.outcome, "success");
    assert.deepEqual([of("tlsHandshakeDone")[0]?.outcome, of("dialDone")[0]?.outcome], ["failure", "failure"]);
    assert.equal(of("dialDone")[0]?.reason, "tls_cert_untrusted");
  });

  it("observeProcess reports TLS that a client starts on an open connection as a phase of that connection", async () => {
    await using server = await tlsPeer(issued, (socket) => socket.end("hello"));
    const { hooks, names, of } = recorder();
    await observing([hooks], async () => {
      const raw = connect(server.port, "127.0.0.1");
      await once(raw, "connect");
      const socket = connectTls({ socket: raw, ca: ca.cert, servername: "db.test" }).resume();
      await once(socket, "close");
      await until(() => of("connClosed").length > 0, "the close is reported");
    });
    assert.deepEqual(names(), [...literalConnect, "tlsHandshakeStart", "tlsHandshakeDone", "connClosed"]);
    const [tls] = of("tlsHandshakeDone");
    assert.deepEqual([tls?.outcome, tls?.serverName, String(tls?.target)], ["success", "db.test", server.address]);
    // TLS has seen the end of the server; the connection beneath it was only destroyed.
    assert.equal(of("connClosed")[0]?.reason, "remote");
    assert.ok((of("connClosed")[0]?.bytesRead ?? 0) > 500);
  });

  it("observeProcess reports a socket destroyed before it was connected as canceled", async () => {
    await using server = await goodPeer();
    const { hooks, of } = recorder();
    await observing([hooks], () => once(connect(server.port, "127.0.0.1").destroy(), "close"));
    assert.equal(of("dialDone")[0]?.outcome, "canceled");
    assert.equal(of("connectDone")[0]?.outcome, "canceled");
  });

  it("observeProcess reports a reset as the reason of the close", async () => {
    await using server = await peer((socket) => socket.once("data", () => socket.resetAndDestroy()));
    const { hooks, of } = recorder();
    await observing([hooks], async () => {
      const socket = connect(server.port, "127.0.0.1").on("error", ignore).resume();
      socket.write("abc");
      await until(() => socket.destroyed, "the socket is reset");
    });
    assert.equal(of("connClosed")[0]?.reason, "reset");
  });

  it("observeProcess reports each connect of a socket that its client connects again", async () => {
    await using server = await peer((socket) => socket.end());
    const { hooks, names } = recorder();
    const socket = new Socket();
    await observing([hooks], async () => {
      for (let round = 0; round < 3; round += 1) {
        socket.connect(server.port, "127.0.0.1").resume();
        await once(socket, "close");
      }
    });
    const once3 = [...literalConnect, "connClosed"];
    assert.deepEqual(names(), [...once3, ...once3, ...once3]);
  });

  it("observeProcess leaves a dial of this package to the observers of its dialer", async () => {
    await using server = await goodPeer();
    const registry = new Registry();
    const { hooks, names } = recorder();
    await observing([withPrometheus({ registry, name: "process" }), hooks], async () => {
      const dial = compose(withPrometheus({ registry, name: "own" }), withRetry(), tcp());
      (await dial(server.address)).destroy();
    });
    assert.deepEqual(names(), []);
    const metrics = await scrape(registry);
    const established = (name: string) => metrics.value("dialer_connection_established_total", { dialer_name: name });
    assert.deepEqual([established("own"), established("process")], [1, 0]);
  });

  it("observeProcess reports a dial of this package whose dialer has no observers, once", async () => {
    await using server = await goodPeer();
    const { hooks, names } = recorder();
    await observing([withTrace(hooks)], async () => {
      (await compose(withRetry(), tcp())(server.address)).destroy();
    });
    assert.deepEqual(names(), [...literalConnect, "connClosed"]);
  });

  it("stop restores the wrapped methods, and connections that are open are reported to their end", async () => {
    await using server = await goodPeer();
    const { connect: original } = Socket.prototype;
    const { _start } = TLSSocket.prototype as unknown as { _start: unknown };
    const { hooks, names } = recorder();
    const { stop } = observeProcess({ observers: [hooks] });
    assert.notEqual(Socket.prototype.connect, original);
    const socket = connect(server.port, "127.0.0.1");
    await once(socket, "connect");
    stop();
    assert.equal(Socket.prototype.connect, original);
    assert.equal((TLSSocket.prototype as unknown as { _start: unknown })._start, _start);
    const later = connect(server.port, "127.0.0.1");
    await once(later, "connect");
    later.destroy();
    socket.destroy();
    assert.deepEqual(names(), [...literalConnect, "connClosed"]);
  });

  it("stop leaves a wrapper that other code has added since, and the wrapper then calls through", async () => {
    await using server = await goodPeer();
    const { connect: original } = Socket.prototype;
    const { hooks, names } = recorder();
    const { stop } = observeProcess({ observers: [hooks] });
    const { connect: ours } = Socket.prototype;
    const theirs = function connect(this: Socket, ...args: never) {
      return ours.apply(this, args);
    } as typeof original;
    Socket.prototype.connect = theirs;
    try {
      stop();
      assert.equal(Socket.prototype.connect, theirs);
      const socket = connect(server.port, "127.0.0.1");
      await once(socket, "connect");
      socket.destroy();
      assert.deepEqual(names(), []);
    } finally {
      Socket.prototype.connect = original;
    }
  });
});
