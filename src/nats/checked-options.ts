import { checkClientTrace } from "../client/client-events.ts";
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
import { checkedAuthenticators } from "./authenticators.ts";
import { callbackHooks } from "./callbacks.ts";
import type { DialedConnectOptions } from "./connect-options.ts";
import { fileCredentials } from "./credentials.ts";
import type { NatsLibrary, NodeConnectionOptions } from "./nats-library.ts";
import { ownChecks } from "./option-checks.ts";
import { PublishBuffer } from "./publish-buffer.ts";
import { reconnectDelay } from "./reconnect-delay.ts";
import { readServers } from "./servers.ts";

/** Options of the client library and of this package. */
export type Options = Omit<NodeConnectionOptions, keyof DialedConnectOptions> & DialedConnectOptions;

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

/** The options of one `connect`, checked, with the parts of the client that are made from them alone. */
export type CheckedOptions = ReturnType<typeof checkedOptions>;

/**
 * Checks all options, for `connect` and for `describe`, so that both reject the same ones. Reads no file.
 *
 * @throws TypeError or RangeError naming the invalid option; errors of the client library about its own options.
 */
export function checkedOptions(library: NatsLibrary, checks: Readonly<Record<string, Check>>, options: Options) {
  checkOpenOptions("connect", options, checks, "the NATS client");
  const own = checkedOwnOptions(options);
  const callbacks = callbackHooks(options);
  const delay = reconnectDelay(options);
  const buffer = new PublishBuffer(options.reconnectBufSize);
  const credentials = fileCredentials(library, options);
  const authenticators = checkedAuthenticators(options.authenticator);
  const { servers, tls } = readServers(options.servers, options.port);
  // It does not connect by itself.
  const nc = new library.Connection({
    // As in Go: 2 minutes at the maximum delay. The library's default of 10 would end after about 15 s.
    maxReconnectAttempts: 60,
    ...(tls && { tls: {} }),
    ...libraryOptions(options),
    ...(own.retryOnFailedConnect && { waitOnFirstConnect: true }),
    authenticator: credentials === undefined ? authenticators : [...authenticators, credentials.authenticator],
    servers: servers.map(({ address }) => address),
    resolve: false, // The dialer resolves names: it can race the addresses.
  });
  return { ...own, callbacks, delay, buffer, credentials, servers, nc };
}

/** Checks the options of this package that nothing else checks, and fills in their defaults. */
function checkedOwnOptions(options: Options) {
  const {
    dialer = compose(tcp()),
    connectInBackground = false,
    retryOnFailedConnect = connectInBackground,
    trace = [],
  } = options;
  const { signal, connectDeadlineMs, rttIntervalMs } = options;
  checkBoolean("connect: connectInBackground", connectInBackground);
  checkDialer("connect: dialer", dialer);
  if (signal !== undefined) checkSignal("connect: signal", signal);
  if (connectDeadlineMs !== undefined) checkDuration("connect: connectDeadlineMs", connectDeadlineMs);
  if (rttIntervalMs !== undefined) checkDuration("connect: rttIntervalMs", rttIntervalMs);
  checkBoolean("connect: retryOnFailedConnect", retryOnFailedConnect);
  checkClientTrace("connect: trace", trace);
  return { dialer, signal, connectDeadlineMs, connectInBackground, retryOnFailedConnect, rttIntervalMs, trace };
}

/** The options without those of this package. */
function libraryOptions(options: Options): NodeConnectionOptions {
  const own = new Set(Object.keys(ownChecks));
  return Object.fromEntries(Object.entries(options).filter(([name]) => name !== "port" && !own.has(name)));
}
