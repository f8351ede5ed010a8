import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { compose, httpProxy, parseTarget, socksProxy, type TcpOptions, tcp, withTrace } from "../../../src/index.ts";
import { type Checks, closed, dialErrorOf, read } from "./checks.ts";
import { stage, untilSeen } from "./stage.ts";

const portOf = (address: string) => Number(address.slice(address.lastIndexOf(":") + 1));

async function listenOn(host: string, port: number) {
  const server = createServer((socket) => socket.resume()).listen(port, host);
  await once(server, "listening");
  return { port, [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())) };
}

async function echoes(dialing: ReturnType<ReturnType<typeof tcp>>): Promise<void> {
  const conn = await dialing;
  conn.write("ping");
  assert.equal(await read(conn, 4), "ping");
  conn.destroy();
}

export const tcpChecks: Checks = {
  "tcp carries bytes both ways": () => echoes(compose(tcp())(stage.peers.echo)),

  "tcp dials a name": () => echoes(compose(tcp())(`localhost:${portOf(stage.peers.echo)}`)),

  "tcp dials an IPv4 address in another notation": () => echoes(compose(tcp())(`127.1:${portOf(stage.peers.echo)}`)),

  "a target's name beyond ASCII becomes its A-labels, unless it ends as an address does": async () => {
    assert.equal(parseTarget("bücher.example:1").host, "xn--bcher-kva.example");
    assert.equal(parseTarget("１２７.1:1").host, "127.0.0.1");
    for (const target of ["ü.1:1", "ü<x:1", "256.１:1"]) {
      assert.throws(() => parseTarget(target), { code: "ERR_INVALID_TARGET" }, target);
    }
  },

  "tcp dials a unix socket": () => echoes(compose(tcp())({ path: stage.unixPath })),

  "tcp tries the next address when one refuses": async () => {
    const tried: string[] = [];
    const lookup: NonNullable<TcpOptions["lookup"]> = (_host, { family }, callback) => {
      const addresses = ["127.0.0.2", "127.0.0.3", "127.0.0.1"].map((address) => ({ address, family: 4 }));
      setImmediate(callback, null, family === 4 ? addresses : []);
    };
    const observer = withTrace({ connectStart: ({ address }) => void tried.push(address.address ?? "") });
    const conn = await compose(observer, tcp({ lookup }))(`many.test:${portOf(stage.peers.echo)}`);
    const { remoteAddress } = conn;
    conn.destroy();
    assert.equal(remoteAddress, "127.0.0.1");
    assert.deepEqual(tried, ["127.0.0.2", "127.0.0.3", "127.0.0.1"]);
  },

  "tcp binds to localAddress": async () => {
    const conn = await compose(tcp({ localAddress: "127.0.0.9" }))(stage.peers.echo);
    const { localAddress } = conn;
    conn.destroy();
    assert.equal(localAddress, "127.0.0.9");
  },

  "tcp fails with local_resource when this host does not have localAddress": async () => {
    const error = await dialErrorOf(compose(tcp({ localAddress: "192.0.2.1" }))(stage.peers.echo));
    assert.deepEqual([error.reason, error.code], ["local_resource", "EADDRNOTAVAIL"]);
  },

  "tcp fails with refused where nothing listens": async () => {
    const error = await dialErrorOf(compose(tcp())(stage.peers.refused));
    assert.deepEqual([error.reason, error.code], ["refused", "ECONNREFUSED"]);
  },

  "tcp fails with refused where no unix socket listens": async () => {
    const error = await dialErrorOf(compose(tcp())({ path: `${stage.unixPath}.none` }));
    assert.deepEqual([error.reason, error.code], ["refused", "ENOENT"]);
  },

  "tcp fails with a reason of the DNS for a name that does not exist": async () => {
    const error = await dialErrorOf(compose(tcp())("no-such-name.invalid:1"));
    assert.match(error.reason, /^dns_(?:not_found|temporary)$/);
    assert.match(error.code, /^E(?:NOTFOUND|AI_AGAIN)$/);
  },

  "a reset during the handshake fails with reset": async () => {
    const handshake = async (conn: Socket) => {
      conn.write("hello");
      await once(conn, "data");
      return conn;
    };
    const error = await dialErrorOf(compose(tcp())(stage.peers.resetting, { handshake }));
    assert.equal(error.reason, "reset");
  },

  "a reset during a handshake without an error listener fails the dial, not the process": async () => {
    const handshake = (conn: Socket) =>
      new Promise<never>(() => {
        conn.once("data", () => {});
        conn.write("hello");
      });
    const error = await dialErrorOf(compose(tcp())(stage.peers.resetting, { handshake }));
    assert.equal(error.reason, "reset");
  },

  "tcp leaves a connect that hangs when the next address answers": async () => {
    const port = portOf(stage.hole);
    const lookup: TcpOptions["lookup"] = (_host, { family }, callback) =>
      callback(
        null,
        family === 4
          ? [
              { address: "127.0.0.1", family },
              { address: "127.0.0.2", family },
            ]
          : [],
      );
    await using server = await listenOn("127.0.0.2", port);
    const outcomes: string[] = [];
    const observer = withTrace({ connectDone: ({ outcome }) => void outcomes.push(outcome) });
    const conn = await compose(observer, tcp({ lookup, connectionAttemptDelayMs: 10 }))(`h.test:${port}`);
    const { remoteAddress } = conn;
    conn.destroy();
    assert.equal(remoteAddress, "127.0.0.2");
    assert.deepEqual(outcomes.sort(), ["canceled", "success"]);
    assert.equal(server.port, port);
  },

  "a timeout of tcp ends a connect that hangs": async () => {
    const error = await dialErrorOf(compose(tcp({ timeoutMs: 100 }))(stage.hole));
    assert.deepEqual([error.reason, error.code], ["timeout", "ETIMEDOUT"]);
  },

  "connClosed reports bytes and the side that closed": async () => {
    const reports: unknown[] = [];
    const dial = compose(
      withTrace({
        connClosed: ({ reason, bytesRead, bytesWritten }) => void reports.push([reason, bytesRead, bytesWritten]),
      }),
      tcp(),
    );
    const ours = await dial(stage.peers.echo);
    ours.write("ping");
    await read(ours, 4);
    ours.destroy();
    await closed(ours);
    const theirs = await dial(stage.peers.closing);
    theirs.resume();
    await once(theirs, "end");
    await closed(theirs);
    assert.deepEqual(reports, [
      ["local", 4, 4],
      ["remote", 8, 0],
    ]);
    await untilSeen("echo", ({ open }) => open === 0);
  },

  "httpProxy tunnels": () => echoes(compose(httpProxy({ proxy: `http://${stage.httpProxy}` }))(stage.peers.echo)),

  "httpProxy keeps the bytes and the end that follow the proxy's response": async () => {
    const conn = await compose(httpProxy({ proxy: `http://${stage.httpProxy}` }))(stage.peers.closing);
    const ended = once(conn, "end");
    assert.equal(await read(conn, 8), "go away\n");
    await ended;
    conn.destroy();
  },

  "socksProxy tunnels": () => echoes(compose(socksProxy({ proxy: `socks5h://${stage.socksProxy}` }))(stage.peers.echo)),
};

/** Leaves a connection open: the process must end all the same. */
export const lastChecks: Checks = {
  "a connection with unref carries bytes and does not keep the process alive": async () => {
    const conn = await compose(tcp({ unref: true }))(stage.peers.echo);
    conn.write("ping");
    assert.equal(await read(conn, 4), "ping");
    assert.equal(conn.destroyed, false);
  },
};
