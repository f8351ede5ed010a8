import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import {
  compose,
  type Dialer,
  httpProxy,
  pool,
  proxyFromEnvironment,
  socksProxy,
  tcp,
  tls,
  withRetry,
  withTimeout,
} from "../../../src/index.ts";
import { scriptedDialer, withFaults } from "../../../src/testing.ts";
import { authority } from "../../support/certificates.ts";
import { turns } from "../../support/contract.ts";
import { goodPeer, type Peer, peer } from "../../support/peers.ts";
import { tlsPeer } from "../../support/tls-peers.ts";
import {
  type Expected,
  expecting,
  harmless,
  type Misbehavior,
  refused,
  timesOut,
  type UserFunction,
  wrapped,
} from "../../support/user-functions.ts";
import { allRefused, told, used } from "./expected.ts";

const ca = authority();
const issued = ca.issue({ name: "db.test", alternatives: ["DNS:db.test", "IP:127.0.0.1"] });

/** Dials with `base` beneath a retry, which must not retry an error about a returned value. */
const dialing = (base: Dialer<never> | Dialer<Socket>, target: string, timeoutMs: number) =>
  used(compose(withTimeout({ timeoutMs }), withRetry({ backoff: () => 1 }), base as Dialer<Socket>)(target));

const addresses = [{ address: "127.0.0.1", family: 4 }];
// The result of a lookup matters only if it is a promise; otherwise the lookup may call back.
const lookup: Record<Misbehavior, Expected> = {
  ...expecting(timesOut),
  throws: wrapped,
  "returns a rejecting promise": wrapped,
  "returns a promise of the right value": harmless,
  "returns a promise that never settles": timesOut,
};
/** A user's dialer beneath another dialer. */
const over: Record<Misbehavior, Expected> = {
  ...allRefused("compose: a layer must resolve with a connection,", "DialError"),
  throws: wrapped,
  "returns a rejecting promise": wrapped,
  "returns a promise of the right value": harmless,
  "returns a promise that never settles": timesOut,
};

/** A proxy that accepts each message with the next of `answers`. */
const proxy = (...answers: readonly (string | Buffer)[]): Promise<Peer> =>
  peer((socket) => {
    const left = [...answers];
    socket.on("data", () => socket.write(left.shift() ?? ""));
  });
const httpYes = "HTTP/1.1 200 OK\r\n\r\n";
const socksYes = [Buffer.from("0500", "hex"), Buffer.from("05000001000000000000", "hex")];

/** A connection that calls the given function when it is destroyed. */
function destroyedBy(act: () => unknown): Duplex {
  const conn = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const destroy = conn.destroy;
  conn.destroy = (error) => {
    destroy.call(conn, error);
    return act() as Duplex;
  };
  return conn;
}

async function withTls(work: (address: string) => Promise<void>): Promise<void> {
  await using server = await tlsPeer(issued);
  await work(`127.0.0.1:${server.port}`);
}

export const dialerFunctions: readonly UserFunction[] = [
  {
    name: "tcp: lookup",
    right: () => Promise.resolve(addresses),
    expected: lookup,
    async run(given, timeoutMs) {
      await using server = await goodPeer();
      await dialing(tcp({ family: 4, lookup: given }), `db.test:${server.port}`, timeoutMs);
    },
  },
  {
    name: "tcp: lookup, the result of its callback",
    right: () => addresses,
    // Like a name without addresses, which is retried.
    expected: {
      ...expecting({
        outcome: "rejects",
        name: "DialError",
        message: /lookup must answer with an array of addresses, got /,
      }),
      throws: wrapped,
    },
    async run(given, timeoutMs) {
      await using server = await goodPeer();
      const base = tcp({ family: 4, lookup: (_host, _options, done) => done(null, given()) });
      await dialing(base, `db.test:${server.port}`, timeoutMs);
    },
  },
  {
    name: "tcp: lookup, the result of its promise",
    right: () => addresses,
    expected: {
      ...allRefused("lookup must answer with an array of addresses", "DialError"),
      throws: wrapped,
      "returns a rejecting promise": wrapped,
      // The lookup may still call back.
      "returns undefined": timesOut,
      "returns a promise of the right value": harmless,
      "returns a promise that never settles": timesOut,
    },
    async run(given, timeoutMs) {
      await using server = await goodPeer();
      const base = tcp({ family: 4, lookup: (async () => given()) as never });
      await dialing(base, `db.test:${server.port}`, timeoutMs);
    },
  },
  {
    name: "socksProxy: lookup",
    right: () => Promise.resolve(addresses),
    expected: lookup,
    async run(given, timeoutMs) {
      await using server = await proxy(...socksYes);
      await dialing(socksProxy({ proxy: `socks5://${server.address}`, lookup: given }), "db.test:1", timeoutMs);
    },
  },
  {
    name: "tls: checkServerIdentity",
    right: () => undefined,
    expected: {
      ...expecting(refused(/tls: checkServerIdentity must return an error, or undefined to accept, got /, "DialError")),
      throws: wrapped,
      "returns undefined": harmless,
    },
    run: (checkServerIdentity, timeoutMs) =>
      withTls((address) =>
        dialing(tls({ ca: ca.cert, sessionCache: false, checkServerIdentity }) as never, address, timeoutMs),
      ),
  },
  {
    name: "tls: over",
    right: (target: string) => tcp()(target),
    expected: over,
    run: (given, timeoutMs) => withTls((address) => dialing(tls({ ca: ca.cert }, given) as never, address, timeoutMs)),
  },
  {
    name: "httpProxy: over",
    right: (target: string) => tcp()(target),
    expected: over,
    async run(given, timeoutMs) {
      await using server = await proxy(httpYes);
      await dialing(httpProxy({ proxy: `http://${server.address}` }, given), "db.test:1", timeoutMs);
    },
  },
  {
    name: "socksProxy: over",
    right: (target: string) => tcp()(target),
    expected: over,
    async run(given, timeoutMs) {
      await using server = await proxy(...socksYes);
      await dialing(socksProxy({ proxy: `socks5h://${server.address}` }, given), "db.test:1", timeoutMs);
    },
  },
  {
    name: "proxyFromEnvironment: direct",
    right: (target: string) => tcp()(target),
    expected: over,
    async run(given, timeoutMs) {
      await using server = await goodPeer();
      const env = { https_proxy: "http://127.0.0.1:1", no_proxy: "127.0.0.1" };
      await dialing(proxyFromEnvironment({ env }, given), server.address, timeoutMs);
    },
  },
  {
    name: "withFaults: only",
    right: () => true,
    expected: { ...allRefused("withFaults: only must return true or false"), throws: wrapped },
    run: (only, timeoutMs) =>
      used(
        compose(
          withTimeout({ timeoutMs }),
          withRetry({ backoff: () => 1 }),
          withFaults({ only }),
          scriptedDialer(),
        )("h:1"),
      ),
  },
  {
    name: "scriptedDialer: a step's function",
    right: () => destroyedBy(() => {}),
    expected: {
      ...allRefused("scriptedDialer: a step's function must resolve with a connection", "DialError"),
      throws: wrapped,
      "returns a rejecting promise": wrapped,
      "returns a promise of the right value": harmless,
      "returns a promise that never settles": timesOut,
    },
    run: (step, timeoutMs) => dialing(scriptedDialer([step]) as never, "h:1", timeoutMs),
  },
  {
    name: "a connection's destroy, called when a dial is aborted in its handshake",
    right: () => {},
    expected: told(/a connection's destroy\(\)/),
    async run(destroy) {
      const controller = new AbortController();
      const dial = compose(withRetry(), withTimeout({ timeoutMs: 5_000 }), async () => destroyedBy(destroy));
      const { signal } = controller;
      const aborted = dial("h:1", { signal, handshake: () => new Promise(() => {}) });
      await turns();
      controller.abort("enough");
      await assert.rejects(aborted, (error) => error === "enough");
    },
  },
  {
    name: "a connection's destroy, called when a handshake fails",
    right: () => {},
    expected: told(/a connection's destroy\(\)/),
    async run(destroy) {
      const failed = Object.assign(new Error("no"), { code: "EPROTO" });
      const handshake = () => Promise.reject(failed);
      await assert.rejects(compose(async () => destroyedBy(destroy))("h:1", { handshake }), { cause: failed });
    },
  },
  {
    name: "a connection's destroy, called when the connection is established after the timeout",
    right: () => {},
    expected: told(/a connection's destroy\(\)/),
    async run(destroy) {
      let come = (_conn: Duplex) => {};
      const late = new Promise<Duplex>((resolve) => {
        come = resolve;
      });
      await assert.rejects(compose(withTimeout({ timeoutMs: 5 }), () => late)("h:1"), { name: "DialTimeoutError" });
      const conn = destroyedBy(destroy);
      come(conn);
      await turns();
      conn.emit("error", new Error("late"));
    },
  },
  {
    name: "a connection's destroy, called by a pool that closes an idle connection",
    right: () => {},
    expected: told(/a connection's destroy\(\)/),
    async run(destroy) {
      const connections = pool<Duplex>({ dialer: async () => destroyedBy(destroy), idleTimeoutMs: 5 });
      const lease = await connections.acquire("h:1");
      lease.release();
      for (let waits = 0; connections.stats().open > 0 && waits < 1_000; waits += 1) {
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      assert.equal(connections.stats().evictions.idle, 1);
      lease.conn.emit("error", new Error("late"));
      await connections.close();
    },
  },
  {
    name: "a connection's destroy, called by withFaults",
    right: () => {},
    expected: told(/a connection's destroy\(\)/),
    async run(destroy) {
      const conn = destroyedBy(destroy).on("error", () => {});
      await compose(withFaults({ reset: 1 }), async () => conn)("h:1");
      await turns();
    },
  },
];
