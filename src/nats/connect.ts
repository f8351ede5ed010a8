import type { Authenticator } from "@nats-io/transport-node";
import { ClientEvents, checkClientTrace } from "../client/client-events.ts";
import type { ObservedClient } from "../client/client-trace.ts";
import { tcp } from "../dialers/tcp.ts";
import { compose } from "../engine/compose.ts";
import { type Check, checkOpenOptions } from "../support/open-options.ts";
import {
  checkBoolean,
  checkDialer,
  checkDuration,
  checkOptionsObject,
  checkSignal,
  invalid,
  show,
} from "../support/validate.ts";
import { checkedAuthenticators, clientAuthenticator } from "./authenticators.ts";
import { type BackgroundClient, inBackground } from "./background.ts";
import { callbackHooks } from "./callbacks.ts";
import { Client } from "./client.ts";
import type { DialedConnectOptions } from "./connect-options.ts";
import { CredentialValidities } from "./credential-validity.ts";
import { fileCredentials } from "./credentials.ts";
import { serverCounts } from "./internals.ts";
import { rememberClient } from "./known-clients.ts";
import { Lifecycle } from "./lifecycle.ts";
import { ensureTransportFactory, type NatsLibrary, type NodeConnectionOptions } from "./nats-library.ts";
import { ownChecks } from "./option-checks.ts";
import { DialedProtocol } from "./protocol.ts";
import { PublishBuffer } from "./publish-buffer.ts";
import { reconnectDelay } from "./reconnect-delay.ts";
import { measureRtt } from "./rtt.ts";
import { readServers } from "./servers.ts";
import { tlsFilesOf } from "./tls-files.ts";

/** Options of the client library and of this package. */
export type Options = Omit<NodeConnectionOptions, keyof DialedConnectOptions> & DialedConnectOptions;

/** Returns the `connect` of a client library. It resolves to that library's connections. */
export function connectWith<C>(library: NatsLibrary, checks: Readonly<Record<string, Check>>) {
  return async function connect(
    first: string | Options | null = {},
    second?: Options,
  ): Promise<C | BackgroundClient<C>> {
    const options = optionsOf(first, second);
    checkGiven(options, checks);
    const { connectInBackground = false } = options;
    const client = newClient<C>(library, options);
    return connectInBackground ? inBackground(client) : client.connect();
  };
}

/** Checks the names of the options, and the types of those of the client library. */
export function checkGiven(options: Options, checks: Readonly<Record<string, Check>>): void {
  checkOpenOptions("connect", options, checks, "the NATS client");
  if (options.connectInBackground !== undefined) {
    checkBoolean("connect: connectInBackground", options.connectInBackground);
  }
}

/** Reads the arguments: options, or servers followed by options. */
export function optionsOf(first: string | Options | null, second: Options | undefined): Options {
  if (typeof first === "string") {
    if (second === undefined) return { servers: first };
    checkOptionsObject("connect", second, {});
    if (second.servers === undefined) return { ...second, servers: first };
    throw invalid(TypeError, "connect: servers are given twice; remove them from the options");
  }
  if (second !== undefined) {
    throw invalid(
      TypeError,
      `connect: the first argument must be servers if options are the second, got ${show(first)}`,
    );
  }
  // The library accepts null in place of options.
  return first ?? {};
}

/** Checks the options of this package that nothing else checks, and fills in their defaults. */
export function checkedOptions(options: Options) {
  const {
    dialer = compose(tcp()),
    connectInBackground = false,
    retryOnFailedConnect = connectInBackground,
    trace = [],
  } = options;
  const { signal, connectDeadlineMs, rttIntervalMs } = options;
  checkDialer("connect: dialer", dialer);
  if (signal !== undefined) checkSignal("connect: signal", signal);
  if (connectDeadlineMs !== undefined) checkDuration("connect: connectDeadlineMs", connectDeadlineMs);
  if (rttIntervalMs !== undefined) checkDuration("connect: rttIntervalMs", rttIntervalMs);
  checkBoolean("connect: retryOnFailedConnect", retryOnFailedConnect);
  checkClientTrace("connect: trace", trace);
  return { dialer, signal, connectDeadlineMs, retryOnFailedConnect, rttIntervalMs, trace };
}

function newClient<C>(library: NatsLibrary, options: Options): Client<C> {
  const { dialer, signal, connectDeadlineMs, retryOnFailedConnect, rttIntervalMs, trace } = checkedOptions(options);
  const callbacks = callbackHooks(options);
  const delay = reconnectDelay(options);
  const buffer = new PublishBuffer(options.reconnectBufSize);
  const credentials = fileCredentials(library, options);
  const authenticators = checkedAuthenticators(options.authenticator);
  const { servers, tls } = readServers(options.servers, options.port);
  const addresses = servers.map(({ address }) => address);

  ensureTransportFactory(library);
  const nc = new library.Connection({
    // As in Go: 2 minutes at the maximum delay. The library's default of 10 would end after about 15 s.
    maxReconnectAttempts: 60,
    ...(tls && { tls: {} }),
    ...libraryOptions(options),
    ...(retryOnFailedConnect && { waitOnFirstConnect: true }),
    authenticator: credentials === undefined ? authenticators : [...authenticators, credentials.authenticator],
    servers: addresses,
    resolve: false, // The dialer resolves names: it can race the addresses.
  });
  const observed: ObservedClient = {
    name: options.name,
    stats: () => {
      const { lost } = protocol.publisher;
      return { bufferedBytes: buffer.size, credentials: validities.all, ...lost, ...nc.stats(), ...serverCounts(nc) };
    },
    refresh: () => validities.refresh(),
  };
  const validities = new CredentialValidities(credentials, async () => tlsFilesOf(nc.options)?.certificate());
  const events = new ClientEvents(observed, "connecting");
  const lifecycle = new Lifecycle(events, () => nc.options.reconnect === true, library.notConnectedError);
  const userinfo = () => protocol.pool.userinfoOf(protocol.handler.server);
  nc.options.authenticator = clientAuthenticator(nc.options.authenticator as Authenticator, userinfo);
  const parts = { dialer, lifecycle, buffer, credentials, validities, delay, servers };
  const protocol: DialedProtocol = new DialedProtocol(library, nc.options, nc, parts);
  nc.protocol = protocol.handler;
  rememberClient(nc, events, { connected: () => protocol.handler.connected, lastError: () => lifecycle.lastError });
  events.observe([callbacks, trace].flat());
  if (rttIntervalMs !== undefined) measureRtt(nc, rttIntervalMs, events);
  return new Client(library, nc, protocol, lifecycle, { signal, deadlineMs: connectDeadlineMs, servers: addresses });
}

/** The options without those of this package. */
function libraryOptions(options: Options): NodeConnectionOptions {
  const own = new Set(Object.keys(ownChecks));
  return Object.fromEntries(Object.entries(options).filter(([name]) => name !== "port" && !own.has(name)));
}
