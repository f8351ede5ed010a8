import type { ConnectionOptions as TlsConnectionOptions } from "node:tls";
import type { TlsOptions } from "@nats-io/transport-node";
import type { ConnectionOptions as Nats2ConnectionOptions } from "nats";
import { contextChecks } from "../dialers/tls-context-checks.ts";
import {
  type Check,
  checkNumber,
  checkOpenOptions,
  checkSecret,
  checkString,
  type OptionChecks,
  unchecked,
} from "../support/open-options.ts";
import { checkBoolean, checkDuration, checkFunction, invalid, isPlain, show, showKind } from "../support/validate.ts";
import type { DialedConnectOptions } from "./connect-options.ts";
import type { NodeConnectionOptions } from "./nats-library.ts";

/** Options of this package. Each is checked where it is used. */
export const ownChecks: OptionChecks<DialedConnectOptions> = {
  servers: unchecked,
  dialer: unchecked,
  signal: unchecked,
  connectDeadlineMs: unchecked,
  retryOnFailedConnect: unchecked,
  connectInBackground: unchecked,
  reconnectBufSize: unchecked,
  trace: unchecked,
  rttIntervalMs: unchecked,
  reconnectDelayHandler: unchecked,
  creds: unchecked,
  nkeySeed: unchecked,
  onConnect: unchecked,
  onDisconnect: unchecked,
  onReconnect: unchecked,
  onClosed: unchecked,
  onDiscoveredServers: unchecked,
  onLameDuck: unchecked,
  onError: unchecked,
};

/** Checks of the options of `nats` 2.x's `connect`. */
export const nats2Checks: OptionChecks<Nats2ConnectionOptions & DialedConnectOptions> = {
  authenticator: checkAuthenticator,
  debug: checkBoolean,
  ignoreAuthErrorAbort: checkBoolean,
  ignoreClusterUpdates: checkBoolean,
  inboxPrefix: checkString,
  maxPingOut: checkNumber,
  maxReconnectAttempts: checkNumber,
  name: checkString,
  noAsyncTraces: checkBoolean,
  noEcho: checkBoolean,
  noRandomize: checkBoolean,
  pass: checkSecret,
  pedantic: checkBoolean,
  pingInterval: checkInterval,
  port: checkNumber,
  reconnect: checkBoolean,
  reconnectJitter: checkNumber,
  reconnectJitterTLS: checkNumber,
  reconnectTimeWait: checkNumber,
  resolve: checkBoolean,
  timeout: checkInterval,
  tls: checkTls,
  token: checkSecret,
  user: checkSecret,
  verbose: checkBoolean,
  waitOnFirstConnect: checkBoolean,
  ...ownChecks,
};

/** Checks of the options of transport-node's `connect`. */
export const transportNodeChecks: OptionChecks<NodeConnectionOptions & DialedConnectOptions> = {
  ...nats2Checks,
  reconnectToServer: checkFunction,
};

/** Options of Node's `tls.connect` and of the client. Unchecked types are left to Node, whose rules depend on its version. */
const tlsNames = {
  // The client's options.
  handshakeFirst: checkBoolean,
  caFile: checkString,
  certFile: checkString,
  keyFile: checkString,
  // Options of tls.connect.
  host: unchecked,
  port: unchecked,
  path: unchecked,
  socket: unchecked,
  checkServerIdentity: checkFunction,
  servername: checkString,
  session: unchecked,
  minDHSize: checkNumber,
  lookup: checkFunction,
  timeout: checkNumber,
  pskCallback: checkFunction,
  secureContext: unchecked,
  enableTrace: checkBoolean,
  requestCert: checkBoolean,
  ALPNProtocols: unchecked,
  SNICallback: checkFunction,
  rejectUnauthorized: checkBoolean,
  ...contextChecks,
} satisfies OptionChecks<TlsOptions & TlsConnectionOptions>;

/** Checks options for Node's `tls.connect`. */
export function checkTlsOptions(option: string, tls: unknown): void {
  if (!isPlain(tls)) throw invalid(TypeError, `${option} must be options, got ${show(tls)}`);
  checkOpenOptions(option, tls, tlsNames as Readonly<Record<string, Check>>, "tls.connect");
}

function checkTls(option: string, tls: unknown): void {
  // `null` means no TLS, as in the client's type.
  if (tls !== null) checkTlsOptions(option, tls);
}

/** As in the client, 0 means its default. Timers would turn a negative or a longer time into 1 ms. */
function checkInterval(option: string, value: unknown): void {
  checkDuration(option, value, 0);
}

function checkAuthenticator(option: string, value: unknown): void {
  for (const each of Array.isArray(value) ? value : [value]) {
    if (typeof each === "function") continue;
    throw invalid(TypeError, `${option} must be a function or an array of functions, got ${showKind(each)}`);
  }
}
