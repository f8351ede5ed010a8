/**
 * Every function that users pass to `dialtrace/nats` and `dialtrace/nats-ws`, with the expected outcome of each
 * misbehavior.
 */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { tokenAuthenticator, wsconnect } from "@nats-io/transport-node";
import { compose, type DialOptions, type TargetLike, tcp } from "../../src/index.ts";
import type { ClientTrace, ConnectOptions } from "../../src/nats.ts";
import { instrument, natsLog } from "../../src/nats.ts";
import { wsFactory } from "../../src/nats-ws.ts";
import { allRefused, number, told } from "../contract/functions/expected.ts";
import { choosesServers, connect, isV2, stockConnect } from "../support/nats-line.ts";
import { infoLine } from "../support/nats-peer.ts";
import { startNatsWebsocket } from "../support/nats-websocket.ts";
import { type RecordingPeer, recordingPeer } from "../support/recording-peer.ts";
import { until } from "../support/resources.ts";
import {
  type Expected,
  expecting,
  type Given,
  harmless,
  type Misbehavior,
  type UserFunction,
  userFunctionTests,
  warned,
} from "../support/user-functions.ts";

type Client = Awaited<ReturnType<typeof connect>>;
type Event = keyof ClientTrace;

const fast = { noRandomize: true, reconnectDelayHandler: () => 1, maxReconnectAttempts: -1 };

/** Connects, runs `live` with the client, and closes it. Rejects with the error that made the client give up. */
async function life(options: ConnectOptions, live: (nc: Client, server: RecordingPeer) => unknown): Promise<void> {
  await using server = await recordingPeer();
  const nc = await connect({ servers: server.address, ...fast, ...options });
  try {
    await live(nc, server);
  } finally {
    await nc.close();
  }
  const error = await nc.closed();
  if (error) throw error;
}

/** Makes the client lose its connection, and waits until it is back or has given up. */
function outage(options: ConnectOptions): Promise<void> {
  let back = false;
  const onReconnect = () => {
    back = true;
  };
  return life({ ...options, onReconnect }, async (nc, server) => {
    server.hangUp();
    await until(() => back || nc.isClosed(), "the outage ends");
  });
}

/** Functions that trigger each event. */
const causes: Readonly<Record<Event, (nc: Client, server: RecordingPeer, seen: ReadonlySet<Event>) => unknown>> = {
  stateChange: () => {},
  connect: () => {},
  disconnect: (_, server) => server.hangUp(),
  reconnectAttempt: (_, server) => server.hangUp(),
  reconnect: (_, server) => server.hangUp(),
  serversChange: (_, server) => server.say(infoLine({ connect_urls: ["127.0.0.1:1"] })),
  lameDuck: (_, server) => server.say(infoLine({ ldm: true })),
  stale: (_, server) => server.mute(),
  forcedReconnect: (nc) => nc.reconnect(),
  slowConsumer: async (nc, server) => {
    nc.subscribe("news", { slow: 1 } as object);
    server.say("MSG news 1 1\r\na\r\n".repeat(5));
  },
  error: (_, server) => server.say(`-ERR 'Permissions Violation for Publish to "news"'\r\n`),
  rtt: () => {},
  publishRejected: async (nc, server, seen) => {
    server.hangUp();
    await until(() => seen.has("disconnect"), "the connection is lost");
    assert.throws(() => nc.publish("news"));
  },
  close: (nc) => nc.close(),
  end: (nc) => nc.close(),
};

/** Runs a client with `options` in which `event` happens. */
function happening(event: Event, options: ConnectOptions): Promise<void> {
  const seen = new Set<Event>();
  const note = Object.fromEntries(Object.keys(causes).map((each) => [each, () => void seen.add(each as Event)]));
  const trace = [options.trace ?? [], note].flat() as ConnectOptions["trace"];
  const delayed = event === "publishRejected" ? { reconnectDelayHandler: () => 50, reconnectBufSize: -1 } : {};
  const pings = event === "stale" ? { pingInterval: 5, maxPingOut: 1 } : {};
  return life({ ...options, ...delayed, ...pings, rttIntervalMs: 2, trace }, async (nc, server) => {
    await causes[event](nc, server, seen);
    await until(() => seen.has(event), `${event} happens`);
  });
}

/** `nats` 2.x does not report slow consumers. */
const events = (Object.keys(causes) as Event[]).filter((event) => !isV2 || event !== "slowConsumer");

const hooks: UserFunction[] = events.map((event) => ({
  name: `connect: trace.${event}`,
  right: () => {},
  run: (given) => happening(event, { trace: { [event]: given } }),
  expected: told(new RegExp(`^a ${event} hook`)),
}));

const callbacks: UserFunction[] = (
  [
    ["onConnect", "connect"],
    ["onDisconnect", "disconnect"],
    ["onReconnect", "reconnect"],
    ["onClosed", "close"],
    ["onDiscoveredServers", "serversChange"],
    ["onLameDuck", "lameDuck"],
    ["onError", "error"],
  ] as const
).map(([name, event]) => ({
  name: `connect: ${name}`,
  right: () => {},
  run: (given) => happening(event, { [name]: given }),
  expected: told(new RegExp(`^${name} threw`)),
}));

/** Functions that must return a value synchronously: any promise counts as an error. */
const observed = expecting(harmless, {
  throws: warned(/^an observer of clients/),
  "returns a rejecting promise": warned(/^an observer of clients/),
  "returns a promise of the right value": warned(/^an observer of clients/),
  "returns a promise that never settles": warned(/^an observer of clients/),
});

const dialError = (says: RegExp, config = true): Expected => ({
  outcome: "rejects",
  name: "DialError",
  message: says,
  config,
});

/** Anything but credentials fails the dial as `config`. */
function credentials(says: string, whenUndefined: Expected = harmless): Record<Misbehavior, Expected> {
  const got = allRefused(says, "DialError");
  return {
    ...got,
    throws: dialError(/^(dial \S+: )?connect: the authenticator threw: a broken user function/, false),
    "returns undefined": whenUndefined,
  };
}

const authenticators: UserFunction[] = [
  {
    name: "connect: authenticator",
    right: () => ({ auth_token: "secret" }),
    run: (given) => life({ authenticator: given }, () => {}),
    expected: credentials("authenticator must return an object with credentials, or nothing,"),
  },
  {
    name: "connect: authenticator, one of several",
    right: () => ({ auth_token: "secret" }),
    run: (given) => life({ authenticator: [() => ({}) as never, given] }, () => {}),
    expected: credentials("authenticator must return an object with credentials, or nothing,"),
  },
  {
    name: "connect: authenticator's token function",
    right: () => "secret",
    run: (given) => life({ authenticator: tokenAuthenticator(given) }, () => {}),
    expected: {
      ...credentials("authenticator: auth_token must be a string,"),
      ...Object.fromEntries(
        (["returns NaN", "returns a negative number", "returns a number that is too large"] as const).map((each) => [
          each,
          dialError(/authenticator: auth_token must be a string, got a number/),
        ]),
      ),
    },
  },
];

const tcpDialer = compose(tcp());

const dialers: UserFunction[] = [
  {
    name: "connect: dialer",
    right: (target: TargetLike, options: DialOptions<Socket>) => tcpDialer(target, options),
    run: (given, timeout) => life({ dialer: given, timeout }, () => {}),
    expected: expecting(dialError(/connect: dialer resolved without running the handshake; .* got/), {
      throws: dialError(/a broken user function/, false),
      "returns a rejecting promise": dialError(/a broken user function/, false),
      "returns a promise of the right value": harmless,
      "returns a promise that never settles": { outcome: "rejects", name: "DialTimeoutError", message: /timeout/ },
    }),
  },
  {
    name: "connect: dialer's connection.destroy",
    right: () => {},
    run: (given) =>
      outage({
        dialer: compose(async (target: TargetLike, options?: DialOptions<Socket>) => {
          const conn = await tcpDialer(target, options);
          const destroy = conn.destroy.bind(conn);
          conn.destroy = () => {
            destroy();
            return given();
          };
          return conn;
        }),
      }),
    expected: told(/^a connection's destroy\(\)/),
  },
];

const reconnecting: UserFunction[] = [
  {
    name: "connect: reconnectDelayHandler",
    right: () => 1,
    run: (given) => outage({ reconnectDelayHandler: given }),
    expected: number("connect: reconnectDelayHandler\\(1, error\\) must be a number of milliseconds"),
  },
  {
    name: "connect: reconnectDelayHandler with a limit of attempts",
    right: () => 1,
    run: (given) => outage({ reconnectDelayHandler: given, maxReconnectAttempts: 3 }),
    expected: number("connect: reconnectDelayHandler\\(1, error\\) must be a number of milliseconds"),
  },
  {
    name: "connect: reconnectDelayHandler at the first connect",
    right: () => 1,
    run: async (given, timeoutMs) => {
      let dials = 0;
      const dialer = (target: TargetLike, options?: DialOptions<Socket>) => {
        dials += 1;
        if (dials === 1) throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
        return tcpDialer(target, options);
      };
      const options = { dialer, retryOnFailedConnect: true, connectDeadlineMs: timeoutMs };
      await life({ ...options, reconnectDelayHandler: given }, () => {});
    },
    expected: number("connect: reconnectDelayHandler\\(1, error\\) must be a number of milliseconds"),
  },
];

const pool: UserFunction[] = (["the server", "a delay"] as const).map((what) => ({
  name: `connect: reconnectToServer that chooses ${what}`,
  right: () => (what === "the server" ? null : 1),
  run: (given) =>
    life(
      {
        reconnectToServer: (servers: readonly object[]) => {
          const returned: unknown = given();
          return what === "the server" ? returned : { server: servers[0], delay: returned };
        },
      } as ConnectOptions,
      () => {},
    ),
  expected: {
    ...allRefused(
      what === "the server" ? "reconnectToServer must return null or a server" : "delay must be a number",
      "DialError",
    ),
    throws: dialError(/reconnectToServer handler failed: a broken user function/),
    ...(what === "a delay" && { "returns undefined": harmless }),
  },
}));

const loggers: UserFunction[] = (["info", "warn"] as const).map((level) => ({
  name: `natsLog: logger.${level}`,
  right: () => {},
  run: (given) => outage({ trace: natsLog({ info() {}, warn() {}, [level]: given }) }),
  expected: told(new RegExp(`^natsLog's logger\\.${level}\\(\\)`)),
}));

/** A client made elsewhere. */
async function instrumented(trace: ClientTrace | (() => never)): Promise<void> {
  await using server = await recordingPeer();
  const nc = await stockConnect({ servers: server.address });
  let hasEnded = false;
  const end = () => {
    hasEnded = true;
  };
  const { stop } = instrument(nc, { trace: [trace, { end }] });
  await nc.close();
  await until(() => hasEnded, "the close is reported");
  stop();
}

const observers: UserFunction[] = [
  {
    name: "connect: trace",
    right: () => ({}),
    run: (given) => life({ trace: given }, () => {}),
    expected: observed,
  },
  {
    name: "instrument: trace",
    right: () => ({}),
    run: (given) => instrumented(given),
    expected: observed,
  },
  {
    name: "instrument: trace.disconnect",
    right: () => {},
    run: (given) => instrumented({ disconnect: given }),
    expected: told(/^a disconnect hook/),
  },
  {
    name: "instrument: trace.end",
    right: () => {},
    run: (given) => instrumented({ end: given }),
    expected: told(/^a end hook/),
  },
];

async function overWebsocket(given: Given, timeout: number): Promise<void> {
  await using server = await startNatsWebsocket();
  const servers = `ws://127.0.0.1:${server.wsPort}`;
  const nc = await wsconnect({ servers, wsFactory: wsFactory({ dialer: given }), timeout });
  await nc.close();
}

const failed = (says: RegExp): Expected => ({ outcome: "rejects", message: says });

const websockets: UserFunction[] = [
  {
    name: "wsFactory: dialer",
    right: (target: TargetLike, options: DialOptions<Socket>) => tcpDialer(target, options),
    run: overWebsocket,
    expected: expecting(failed(/wsFactory: the dialer must run the handshake/), {
      throws: failed(/a broken user function/),
      "returns a rejecting promise": failed(/a broken user function/),
      "returns a promise of the right value": harmless,
      // The client's own timer may fire before the deadline, which is only 10 ms shorter.
      "returns a promise that never settles": failed(/timed out|timeout/),
    }),
  },
];

userFunctionTests([
  ...reconnecting,
  ...authenticators,
  ...dialers,
  ...callbacks,
  ...hooks,
  ...observers,
  ...loggers,
  // Only transport-node supports these.
  ...(choosesServers ? pool : []),
  ...(isV2 ? [] : websockets),
]);
