import assert from "node:assert/strict";
import type { LookupAddress } from "node:dns";
import { setMaxListeners } from "node:events";
import { after, before, beforeEach, describe, it, type TestContext, test } from "node:test";
import { createBackoff } from "../../src/async/backoff.ts";
import { compose, type Dialer, DialTimeoutError, tcp, withRetry, withTimeout, withTrace } from "../../src/index.ts";
import type { ConnectOptions } from "../../src/nats.ts";
import { blackHole } from "../support/full-backlog.ts";
import { connecting } from "../support/nats-client.ts";
import { connect, isV2 } from "../support/nats-line.ts";
import { infoLine, natsPeer } from "../support/nats-peer.ts";
import { type NatsServer, startNats } from "../support/nats-server.ts";
import { type Peer, peer, silentPeer } from "../support/peers.ts";
import { openSockets, openTimers, pendingConnects, until } from "../support/resources.ts";
import { setPings } from "./pings.ts";
import { stoppedClock } from "./stopped-clock.ts";

/**
 * Allowed delay on a busy machine, in milliseconds: longer than its pauses, and shorter than the timeouts of 20 s that would
 * otherwise end a connect. See the diagnostics for the actual delays.
 */
const leewayMs = 12_000;

const forEver = { maxAttempts: Number.POSITIVE_INFINITY, backoff: "constant", initialBackoffMs: 10 } as const;

let timersBefore = 0;
beforeEach(() => {
  timersBefore = openTimers();
});

async function nothingLeft(): Promise<void> {
  await until(() => openSockets() === 0, "no socket is left");
  await until(() => openTimers() <= timersBefore, "no timer is left");
  assert.equal(pendingConnects(), 0, "no connect is in progress");
}

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

type Client = Awaited<ReturnType<typeof connect>>;

/** A frozen server on every loopback address: the kernel accepts connections, and nothing answers. */
async function frozenServer(): Promise<NatsServer> {
  const server = await startNats(["-a", "0.0.0.0"]);
  await server.freeze();
  return server;
}

/** Resolves any name to `count` loopback addresses. */
function lookupOf(count: number) {
  const addresses = Array.from(
    { length: count },
    (_, index): LookupAddress => ({
      address: `127.0.0.${index + 1}`,
      family: 4,
    }),
  );
  return (
    _: string,
    { family }: { family: 4 | 6 },
    callback: (error: null, addresses: readonly LookupAddress[]) => void,
  ) => callback(null, family === 4 ? addresses : []);
}

/** Expects a connect to fail within `allowedMs`, and returns its error. */
async function failsToConnect(t: TestContext, options: ConnectOptions, allowedMs: number): Promise<unknown> {
  const startedAt = performance.now();
  const failure = await connect(options).then(
    async (nc) => {
      await nc.close();
      return undefined;
    },
    (error: unknown) => error,
  );
  const tookMs = performance.now() - startedAt;
  t.diagnostic(`${tookMs.toFixed(1)} ms where ${allowedMs} ms are allowed`);
  assert.ok(failure !== undefined, "connects");
  assert.ok(tookMs < allowedMs + leewayMs, `took ${tookMs} ms of ${allowedMs} ms`);
  return failure;
}

/** Starts a connect to a server that never answers, and proves that it ends exactly when `ms` have passed. */
async function endsAfter(t: TestContext, ms: number, options: ConnectOptions): Promise<void> {
  await using server = await silentPeer();
  const clock = stoppedClock(t);
  let ended = false;
  const failing = assert
    .rejects(connect({ servers: server.address, ...options }), { name: "DialTimeoutError", timeoutMs: ms })
    .finally(() => {
      ended = true;
    });
  await until(() => server.accepted === 1, "the server is dialed");
  await clock.advance(ms - 1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(ended, false);
  await clock.advance(1);
  await until(() => ended, "the connect ends");
  await failing;
}

test("connectDeadlineMs ends a connect when exactly this time has passed", (t) =>
  endsAfter(t, 150, { connectDeadlineMs: 150 }));

test("timeout ends a connect when exactly this time has passed", (t) => endsAfter(t, 300, { timeout: 300 }));

describe("connectDeadlineMs with frozen servers", () => {
  const connectDeadlineMs = 150;
  const frozen: NatsServer[] = [];
  before(async () => {
    for (let count = 0; count < 3; count += 1) frozen.push(await frozenServer());
  });
  after(() => Promise.all(frozen.map((each) => each.stop())));
  const dialers: [string, (addresses: number) => Dialer][] = [
    ["tcp()", (addresses) => compose(tcp({ lookup: lookupOf(addresses) }))],
    ["endless retries", (addresses) => compose(withRetry(forEver), tcp({ lookup: lookupOf(addresses) }))],
    [
      "endless retries with a timeout per attempt",
      (addresses) =>
        compose(
          withTimeout({ timeoutMs: 20_000 }),
          withRetry(forEver),
          withTimeout({ timeoutMs: 40 }),
          tcp({ lookup: lookupOf(addresses), connectionAttemptDelayMs: 10 }),
        ),
    ],
  ];
  const clients: [string, ConnectOptions][] = [
    ["each server once", {}],
    ["servers repeatedly", { retryOnFailedConnect: true, timeout: 50, reconnectDelayHandler: () => 10 }],
  ];
  const fails = async (t: TestContext, options: ConnectOptions) => {
    const error = await failsToConnect(t, { ...options, connectDeadlineMs }, connectDeadlineMs);
    assert.ok(error instanceof DialTimeoutError, String(error));
    assert.equal(error.timeoutMs, connectDeadlineMs);
    await nothingLeft();
  };

  // Most of this depends on the dialer and not on the client library.
  for (const addresses of isV2 ? [3] : [1, 3, 8]) {
    for (const [dialed, dialer] of dialers) {
      for (const [tried, client] of clients) {
        for (const count of [1, 3]) {
          it(`connectDeadlineMs ends a connect that dials ${tried}: ${count} frozen with ${addresses} addresses each, dialed by ${dialed}`, async (t) => {
            const servers = frozen.slice(0, count).map(({ port }, index) => `nats${index}.test:${port}`);
            await fails(t, { servers, dialer: dialer(addresses), ...client });
          });
        }
      }
    }
    it(`connectDeadlineMs limits ${addresses} addresses that do not accept connections`, async (t) => {
      await using hole = await blackHole("0.0.0.0");
      const [sockets, connects] = [openSockets(), pendingConnects()];
      const dialer = compose(tcp({ lookup: lookupOf(addresses), connectionAttemptDelayMs: 10 }));
      const options = { servers: `nats.test:${hole.port}`, dialer, connectDeadlineMs };
      const error = await failsToConnect(t, options, connectDeadlineMs);
      assert.ok(error instanceof DialTimeoutError, String(error));
      assert.equal(error.timeoutMs, connectDeadlineMs);
      await until(() => openSockets() <= sockets && pendingConnects() <= connects, "no socket is left");
    });
  }
});

describe("timeout with frozen servers", () => {
  for (const addresses of [1, 3, 8]) {
    it(`timeout limits one server whose name has ${addresses} addresses`, async (t) => {
      await using server = await frozenServer();
      const dialer = compose(tcp({ lookup: lookupOf(addresses) }));
      const error = await failsToConnect(t, { servers: `nats.test:${server.port}`, dialer, timeout: 300 }, 300);
      assert.ok(error instanceof DialTimeoutError, String(error));
      assert.equal(error.timeoutMs, 300);
      await nothingLeft();
    });
  }

  it("timeout limits each of three servers", async (t) => {
    await using first = await frozenServer();
    await using second = await frozenServer();
    await using third = await frozenServer();
    const servers = [first, second, third].map(({ address }) => address);
    const error = await failsToConnect(t, { servers, timeout: 100 }, 300);
    assert.ok(error instanceof DialTimeoutError, String(error));
    assert.equal(error.timeoutMs, 100);
    await nothingLeft();
  });

  it("timeout leaves time for the server that answers", async (t) => {
    await using frozen = await frozenServer();
    await using server = await startNats();
    const servers = [frozen.address, server.address];
    const clock = stoppedClock(t);
    const dialed: number[] = [];
    const base = compose(tcp());
    const dialer: Dialer = (target, options) => {
      dialed.push((target as { port: number }).port);
      return base(target, options);
    };
    const connecting = connect({ servers, dialer, noRandomize: true, timeout: 1_000, connectDeadlineMs: 10_000 });
    await until(() => dialed.length === 1 && openSockets() === 1, "the frozen server is dialed");
    await clock.advance(1_000);
    const nc = await connecting;
    assert.deepEqual(dialed, [frozen.port, server.port]);
    assert.equal(nc.getServer(), server.address);
    await nc.close();
    await nothingLeft();
  });
});

describe("close() during a pending reconnect ends it at once", () => {
  /** Longer than any test may take. */
  const long = 600_000;
  const connectAndClose = connecting();
  const dialers: [string, Dialer][] = [
    ["tcp()", compose(tcp())],
    [
      "timeouts for everything",
      compose(withTimeout({ timeoutMs: long }), withRetry(forEver), withTimeout({ timeoutMs: long }), tcp()),
    ],
  ];
  /** Connects to the first of `servers` and loses it by `loses`; resolves with the client when it is dialing again. */
  const reconnecting = async (options: ConnectOptions, loses: (nc: Client) => Promise<unknown> | unknown) => {
    let lost = false;
    let attempts = 0;
    const nc = await connectAndClose({
      timeout: long,
      maxReconnectAttempts: -1,
      noRandomize: true,
      reconnectDelayHandler: () => 0,
      ...options,
      trace: {
        disconnect: () => {
          lost = true;
        },
        reconnectAttempt: () => {
          attempts += 1;
        },
      },
    });
    await loses(nc);
    await until(() => lost, "the loss is noticed");
    return { nc, attempts: () => attempts };
  };
  const endsAtOnce = async (t: TestContext, nc: Client) => {
    const startedAt = performance.now();
    let tookMs: number | undefined;
    void nc.closed().then(() => {
      tookMs = performance.now() - startedAt;
    });
    const closing = nc.close();
    await until(() => tookMs !== undefined, "closed() resolves");
    t.diagnostic(`closed() after ${tookMs?.toFixed(1)} ms`);
    await closing;
    assert.equal(nc.isClosed(), true);
  };

  for (const [dialed, dialer] of dialers) {
    it(`close() ends a reconnect to a frozen server at once when dialed by ${dialed}`, async (t) => {
      await using server = await startNats();
      const { nc, attempts } = await reconnecting({ servers: server.address, dialer }, async (nc) => {
        await server.freeze();
        setPings(nc, 20, 1);
      });
      await until(() => attempts() > 0 && openSockets() === 1, "it waits for INFO");
      await endsAtOnce(t, nc);
      await nothingLeft();
    });

    const stages: [string, (nth: number) => string | undefined][] = [
      ["before INFO", (nth) => (nth === 1 ? infoLine() : undefined)],
      ["in the middle of INFO", (nth) => (nth === 1 ? infoLine() : infoLine().slice(0, 20))],
      ["before PONG", () => infoLine()],
      ["in the TLS handshake", (nth) => (nth === 1 ? infoLine() : infoLine({ tls_required: true }))],
    ];
    for (const [stage, greeting] of stages) {
      it(`close() ends a reconnect at once ${stage} when dialed by ${dialed}`, async (t) => {
        await using server = await greetingPeer(greeting);
        const { nc } = await reconnecting({ servers: server.address, dialer }, () => hangUp(server));
        await until(() => server.accepted === 2 && server.open.size === 1, "the next handshake is in progress");
        // The server's data is read in the following turns of the event loop.
        await new Promise((resolve) => setTimeout(resolve, 20));
        await endsAtOnce(t, nc);
        await until(() => server.open.size === 0, "the server sees the connection closed");
        await server.close();
        await nothingLeft();
      });
    }

    it(`close() ends a reconnect at once to a server that does not accept when dialed by ${dialed}`, async (t) => {
      await using hole = await blackHole();
      const [sockets, connects] = [openSockets(), pendingConnects()];
      const server = await natsPeer();
      const servers = [server.address, `127.0.0.1:${hole.port}`];
      const { nc } = await reconnecting({ servers, dialer }, () => server.close());
      await until(() => pendingConnects() > connects, "a connect is in progress");
      await endsAtOnce(t, nc);
      await until(() => openSockets() <= sockets && pendingConnects() <= connects, "no socket is left");
    });
  }

  const waits: [string, ConnectOptions][] = [
    ["our delay", { reconnectDelayHandler: () => long }],
    [
      "our backoff",
      { reconnectDelayHandler: createBackoff({ initialBackoffMs: long, maxBackoffMs: long, jitter: "none" })() },
    ],
    [
      "the dialer's backoff",
      { dialer: compose(withRetry({ ...forEver, initialBackoffMs: long, maxBackoffMs: long }), tcp()) },
    ],
  ];
  for (const [what, options] of waits) {
    it(`close() ends a reconnect at once in ${what}`, async (t) => {
      await using server = await startNats();
      const { nc } = await reconnecting({ servers: server.address, ...options }, () => server.stop());
      await until(() => openSockets() === 0 && openTimers() > timersBefore, "the client waits");
      await endsAtOnce(t, nc);
      await nothingLeft();
    });
  }

  it("close() ends the client's own delay before a reconnect at once", async (t) => {
    await using server = await startNats();
    const stock = { reconnectDelayHandler: undefined, reconnectTimeWait: long, reconnectJitter: 0 };
    const { nc, attempts } = await reconnecting({ servers: server.address, ...stock }, () => server.stop());
    await until(() => openSockets() === 0 && openTimers() > timersBefore, "the client waits");
    assert.equal(attempts(), 0);
    await endsAtOnce(t, nc);
    await nothingLeft();
  });
});

const connects = 50;

const ends: [string, (abort: AbortController) => ConnectOptions][] = [
  ["deadline", () => ({ connectDeadlineMs: 200 })],
  ["timeout", () => ({ timeout: 200 })],
  [
    "signal",
    (abort) => {
      setTimeout(() => abort.abort(), 200);
      return { signal: abort.signal };
    },
  ],
];
for (const [what, options] of ends) {
  test(`${connects} simultaneous connects to a frozen server, ended by the ${what}, leave nothing behind`, async () => {
    await using server = await frozenServer();
    let connected = 0;
    const connectDone = () => {
      connected += 1;
    };
    const dialer = compose(withTimeout({ timeoutMs: 20_000 }), withRetry(forEver), withTrace({ connectDone }), tcp());
    const abort = new AbortController();
    setMaxListeners(connects, abort.signal);
    const common = { servers: server.address, dialer, ...options(abort) };
    await Promise.all(Array.from({ length: connects }, () => assert.rejects(connect(common))));
    assert.ok(connected >= connects, `${connected} connected`);
    await nothingLeft();
  });
}

test(`${connects} background connects to a frozen server leave nothing behind after close()`, async () => {
  await using server = await frozenServer();
  const handles = await Promise.all(
    Array.from({ length: connects }, () => connect({ servers: server.address, connectInBackground: true })),
  );
  await until(() => openSockets() === connects, "all of them wait for INFO");
  await Promise.all(handles.map((each) => each.close()));
  for (const { ready, state } of handles) {
    await assert.rejects(ready);
    assert.equal(state, "closed");
  }
  await nothingLeft();
});

/** A server that sends `greeting(n)` on its n-th connection, from 1, and PONG only on the first. */
function greetingPeer(greeting: (nth: number) => string | undefined): Promise<Peer> {
  let connections = 0;
  return peer((socket) => {
    connections += 1;
    const nth = connections;
    const said = greeting(nth);
    if (said !== undefined) socket.write(said);
    socket.on("data", () => {
      if (nth === 1) socket.write("PONG\r\n");
    });
  });
}

function hangUp(server: Peer): void {
  for (const socket of server.open) socket.destroy();
}
