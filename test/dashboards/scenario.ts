// Longer than other files: the parts of the scenario share one stage.
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Registry } from "prom-client";
import { serveMetrics } from "../../examples/demo/metrics-server.ts";
import {
  compose,
  DialError,
  type Dialer,
  httpProxy,
  type Middleware,
  tcp,
  tls,
  withRetry,
  withTimeout,
} from "../../src/index.ts";
import { connect, ReconnectBufferError } from "../../src/nats.ts";
import { natsMetrics, withPrometheus } from "../../src/prometheus.ts";
import { authority, inDays } from "../support/certificates.ts";
import { deniedConfig } from "../support/nats-auth.ts";
import { eager } from "../support/nats-client.ts";
import { startCluster } from "../support/nats-cluster.ts";
import { natsServer, startNats } from "../support/nats-server.ts";
import { goodPeer, silentPeer } from "../support/peers.ts";
import { until } from "../support/resources.ts";
import { startTinyproxy } from "../support/servers.ts";
import { loopback, tlsPeer } from "../support/tls-peers.ts";
import { prepareGuards } from "./guards.ts";
import { preparePools } from "./pools.ts";
import { type Process, Tally } from "./stage.ts";

type Client = Awaited<ReturnType<typeof connect>>;

/** A service of two processes, `a` and `b`, with a known number of faults. */
export interface Scenario {
  /** Name and metrics address of each process. */
  readonly processes: readonly { readonly address: string; readonly name: string }[];
  /** Counts of events by `dialer process event`; `… outage` and `… connecting` are seconds, `… begun` is seconds since 1970. */
  readonly tally: Tally;
  /** A target without a listener. */
  readonly unserved: string;
  /** Connections that the service keeps open. */
  readonly open: () => number;
  /**
   * Runs the scenario; its loops run until `calm`. The series of failed dials begin with the first failure of each
   * reason, and Prometheus ignores a value before its first scrape: `scraped` waits for that scrape.
   */
  play(scraped: () => Promise<void>): Promise<void>;
  /** Stops all loops and waits until nothing changes. */
  calm(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Number of dials of each kind per process. */
export const numbers = {
  mended: 12,
  kept: 3,
  expired: 2,
  hostname: 3,
  untrusted: 4,
  good: 2,
  proxied: 3,
  timeouts: 4,
  canceled: 2,
};
/** Expiry of the valid server certificate. */
export const certificateDays = 3;

/** Days until the JWT expires that the client `lost` was issued 60 days ago. */
export const credentialDays = 2;

/** Messages that the client `locked` loses: without a flush before a loss, and buffered when it closes. */
export const lostNumbers = { unconfirmed: 3, dropped: 2 };

/** A token that is a JWT, issued 60 days ago. */
function tokenFor(days: number): string {
  const [iat, exp] = [-60, days].map((each) => Math.floor(Date.now() / 1000) + each * 86_400);
  return ["{}", JSON.stringify({ iat, exp }), ""].map((each) => Buffer.from(each).toString("base64url")).join(".");
}

/** Creates dialers, clients and servers. All series exist and are zero. */
export async function prepareScenario(): Promise<Scenario> {
  const kept: (() => unknown)[] = [];
  /** Disposed of with the scenario, in reverse order. */
  const keep = <R extends AsyncDisposable>(resource: R): R => {
    kept.push(() => resource[Symbol.asyncDispose]());
    return resource;
  };
  const tally = new Tally();
  const over = new AbortController();
  const loops: Promise<void>[] = [];
  const sockets: Socket[] = [];
  const clients: { readonly client: Client; isUp: boolean }[] = [];

  const registries = { a: new Registry(), b: new Registry() };
  const processes: { address: string; name: string }[] = [];
  for (const [name, registry] of Object.entries(registries)) {
    const { url } = keep(await serveMetrics(registry));
    processes.push({ address: new URL(url).host, name });
  }
  kept.push(() => {
    for (const socket of sockets) socket.destroy();
  });

  const measured = (process: Process, name: string) => withPrometheus({ registry: registries[process], name });
  const dialer = (process: Process, name: string, ...rest: [...Middleware[], Dialer]): Dialer =>
    compose(measured(process, name), ...rest);

  /** Dials and counts the outcome. */
  async function dial(label: string, dialer: Dialer, target: string, options?: Parameters<Dialer>[1]) {
    try {
      const socket = await dialer(target, options);
      tally.add(`${label} succeeded`);
      sockets.push(socket);
      socket.on("error", () => {}).resume();
      return socket;
    } catch (error) {
      tally.add(`${label} ${error instanceof DialError ? error.reason : "canceled"}`);
      return undefined;
    }
  }

  /** Repeats the work until the scenario stops. */
  function goOn(everyMs: number, step: () => Promise<unknown>): void {
    const loop = async () => {
      while (!over.signal.aborted) {
        await step();
        if (everyMs > 0) await sleep(everyMs, undefined, { signal: over.signal }).catch(() => {});
      }
    };
    loops.push(loop());
  }

  /** Connects a client and counts its disconnects and outages. */
  async function client(process: Process, name: string, options: Parameters<typeof connect>[0]) {
    const label = `${name} ${process}`;
    let lostAt = 0;
    const begun = Date.now() / 1000;
    tally.add(`${label} begun`, begun);
    const entry = { client: undefined as unknown as Client, isUp: true, losses: 0, attempts: 0 };
    entry.client = await connect({
      ...eager,
      name,
      dialer: dialers[label] as Dialer,
      trace: [
        traces[label] as ReturnType<typeof natsMetrics>,
        {
          reconnectAttempt: () => {
            entry.attempts += 1;
          },
        },
      ],
      ...options,
      onDisconnect: ({ reason }) => {
        lostAt = performance.now();
        entry.isUp = false;
        entry.losses += 1;
        tally.add(`${label} lost ${reason}`);
      },
      onReconnect: () => {
        entry.isUp = true;
        tally.add(`${label} reconnected`);
        tally.add(`${label} outage`, (performance.now() - lostAt) / 1000);
      },
    });
    tally.add(`${label} connecting`, Date.now() / 1000 - begun);
    clients.push(entry);
    kept.push(() => entry.client.close());
    return entry;
  }

  const db = keep(await goodPeer());
  // The port of tcpmux: a server of another test could use an unprivileged port.
  const unserved = "127.0.0.1:1";
  const silent = keep(await silentPeer());
  const proxy = keep(await startTinyproxy());
  const ca = authority();
  const certificates = {
    expired: ca.issue({ name: "db.test", from: inDays(-3), until: inDays(-1) }),
    hostname: ca.issue({ name: "other.test" }),
    untrusted: authority("another CA").issue({ name: "db.test" }),
    good: ca.issue({ name: "db.test", until: inDays(certificateDays) }),
  };
  const cluster = keep(await startCluster({ config: 'lame_duck_grace_period: "50ms"\nlame_duck_duration: "30s"' }));
  const quiet = keep(await startNats([], deniedConfig));
  const frozen = keep(await startNats());
  const locked = keep(await natsServer([], "authorization { user: u, password: old }"));
  await locked.start();

  let turn = 0;
  /** Sends every second attempt to a port without a listener. */
  const flaky: Middleware = (next) => (target, options) => {
    turn += 1;
    return next(turn % 2 === 1 ? unserved : target, options);
  };
  const never = () => new Promise<never>(() => {});
  const retry = withRetry({ maxAttempts: 2, initialBackoffMs: 20, jitter: "none" });
  const dialers: Record<string, Dialer> = {
    "db a": dialer("a", "db", retry, flaky, tcp()),
    "db b": dialer("b", "db", retry, flaky, tcp()),
    "down a": dialer("a", "down", retry, tcp()),
    "down b": dialer("b", "down", retry, tcp()),
    "tls a": dialer(
      "a",
      "tls",
      tls({ ca: ca.cert, sessionCache: false }, tcp({ lookup: loopback })) as unknown as Dialer,
    ),
    "slow a": dialer("a", "slow", withTimeout({ timeoutMs: 40 }), tcp()),
    "slow a canceled": dialer("a", "slow", tcp()),
    "stuck a": dialer("a", "stuck", tcp()),
    "proxied b": dialer("b", "proxied", httpProxy({ proxy: `http://${proxy.address}` }) as unknown as Dialer),
  };
  const traces: Record<string, ReturnType<typeof natsMetrics>> = {};
  for (const [name, process] of [
    ["nats", "a"],
    ["nats", "b"],
    ["steady", "a"],
    ["flapping", "b"],
    ["lost", "b"],
    ["locked", "a"],
  ] as const) {
    dialers[`${name} ${process}`] = dialer(process, name, withTimeout({ timeoutMs: 30_000 }), tcp());
    traces[`${name} ${process}`] = natsMetrics({ registry: registries[process], name });
  }
  const dialerOf = (label: string) => dialers[label] as Dialer;
  const [connecting, reconnecting] = [
    dialerOf("lost b"),
    dialer("b", "lost", withTimeout({ timeoutMs: 1_000 }), tcp()),
  ];
  let isFrozen = false;
  dialers["lost b"] = (target, options) => (isFrozen ? reconnecting : connecting)(target, options);
  const stage = { registries, tally, unserved, keep, dialer, dial, goOn };
  const parts = [await preparePools(stage), await prepareGuards(stage)];

  async function playDials(scraped: () => Promise<void>): Promise<void> {
    const ports: Record<string, number> = {};
    const kinds = ["expired", "hostname", "untrusted", "good"] as const;
    for (const kind of kinds) ports[kind] = keep(await tlsPeer(certificates[kind])).port;
    const secure = (kind: string) => dial("tls a", dialerOf("tls a"), `db.test:${ports[kind]}`);
    const slow = () => dial("slow a", dialerOf("slow a"), silent.address, { handshake: never });
    const down = (process: Process) => dial(`down ${process}`, dialerOf(`down ${process}`), unserved);

    await Promise.all([...kinds.map(secure), slow(), down("a"), down("b")]);
    await scraped();
    for (const process of ["a", "b"] as const) {
      goOn(100, () => down(process));
      for (let count = 0; count < numbers.mended; count += 1) {
        const socket = await dial(`db ${process}`, dialerOf(`db ${process}`), db.address);
        socket?.write("hello");
        if (count >= numbers.kept) {
          socket?.destroy();
          sockets.splice(sockets.indexOf(socket as Socket), 1);
        }
      }
    }
    for (const kind of kinds) for (let count = 1; count < numbers[kind]; count += 1) await secure(kind);
    for (let count = 0; count < numbers.proxied; count += 1) {
      await dial("proxied b", dialerOf("proxied b"), db.address);
    }
    for (let count = 1; count < numbers.timeouts; count += 1) await slow();
    for (let count = 0; count < numbers.canceled; count += 1) {
      const caller = new AbortController();
      const abort = () => {
        caller.abort();
        return never();
      };
      await dial("slow a", dialerOf("slow a canceled"), silent.address, { handshake: abort, signal: caller.signal });
    }
  }

  async function playStuck(): Promise<void> {
    const hanging = new AbortController();
    const dialed = dial("stuck a", dialerOf("stuck a"), silent.address, { handshake: never, signal: hanging.signal });
    kept.push(async () => {
      hanging.abort();
      await dialed;
    });
  }

  /** Stops one node, then all of them, then one in lame duck mode. */
  async function playCluster(): Promise<void> {
    const both = [
      await client("a", "nats", { servers: cluster.addresses, rttIntervalMs: 100, token: tokenFor(60) }),
      await client("b", "nats", { servers: cluster.addresses, rttIntervalMs: 100 }),
    ] as const;
    const nodeOf = ({ client }: (typeof both)[number]) => cluster.addresses.indexOf(client.getServer());
    // Counted, because an outage may be shorter than the polling interval.
    const losses = () => both[0].losses + both[1].losses;
    const lose = async (expected: number, fault: () => unknown) => {
      const before = losses();
      await fault();
      await until(() => losses() >= before + expected, "the loss is noticed");
    };
    const allUp = () => until(() => both.every(({ isUp }) => isUp), "the clients are back");
    await lose(1, () => cluster.kill(nodeOf(both[0])));
    await allUp();
    await lose(2, () => Promise.all([0, 1, 2].map((node) => cluster.kill(node))));
    await sleep(2_000); // An outage of a known length.
    await Promise.all([0, 1, 2].map((node) => cluster.restart(node)));
    await allUp();
    await cluster.formed();
    await lose(1, () => cluster.nodes[nodeOf(both[1])]?.signal("SIGUSR2"));
    await allUp();
  }

  async function playSteady(): Promise<void> {
    const login = { user: "worker", pass: "work" };
    const { client: steady } = await client("a", "steady", { servers: quiet.address, ...login });
    steady.subscribe("news", { slow: 1 });
    for (let count = 0; count < 3; count += 1) steady.publish("news", "hello");
    steady.publish("secret.plans", "no");
    await steady.flush();
    const flapping = await client("b", "flapping", { servers: quiet.address, ...login });
    goOn(300, async () => {
      if (flapping.isUp) await flapping.client.reconnect();
    });
  }

  async function playLost(): Promise<void> {
    const lost = await client("b", "lost", {
      servers: frozen.address,
      token: tokenFor(credentialDays),
      pingInterval: 100,
      maxPingOut: 2,
      reconnectBufSize: 100,
    });
    isFrozen = true;
    await frozen.freeze();
    await until(() => lost.attempts > 0, "the client looks for another server");
    for (let count = 0; count < 3; count += 1) {
      try {
        lost.client.publish("news", "x".repeat(60));
      } catch (error) {
        if (!(error instanceof ReconnectBufferError)) throw error;
        tally.add("lost b refused");
      }
    }
  }

  async function playLocked(): Promise<void> {
    const entry = await client("a", "locked", { servers: locked.address, user: "u", pass: "old" });
    const { client: out } = entry;
    for (let count = 0; count < lostNumbers.unconfirmed; count += 1) out.publish("news", "unconfirmed");
    await locked.stop();
    await until(() => entry.losses === 1, "the loss is noticed");
    for (let count = 0; count < lostNumbers.dropped; count += 1) out.publish("news", "dropped");
    locked.configure("authorization { user: u, password: new }");
    await locked.start();
    await out.closed();
  }

  return {
    processes,
    tally,
    unserved,
    open: () =>
      sockets.length +
      clients.filter(({ isUp }) => isUp).length +
      parts.reduce((sum, { open }) => sum + (open?.() ?? 0), 0),
    async play(scraped) {
      const own = [playStuck(), playDials(scraped), playCluster(), playSteady(), playLost(), playLocked()];
      await Promise.all([...own, ...parts.map((part) => part.play(scraped))]);
    },
    async calm() {
      over.abort();
      for (const part of parts) part.calm?.();
      await Promise.all(loops);
      const flapping = clients.filter(({ client }) => client.getServer() === quiet.address);
      await until(() => flapping.every(({ isUp }) => isUp), "the client that flaps is back");
    },
    async [Symbol.asyncDispose]() {
      over.abort();
      await Promise.all(loops);
      for (const end of kept.reverse()) await end();
    },
  };
}
