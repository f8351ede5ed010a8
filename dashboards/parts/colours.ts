import type { BreakerState, Limit } from "../../src/core/event-values.ts";
import type { Reason } from "../../src/core/reasons.ts";
import type { AcquireOutcome, EvictionReason } from "../../src/pool/pool-trace.ts";
import type { clientErrorKinds, clientStates, disconnectReasons } from "../../src/telemetry/client-instruments.ts";
import type { ioDirection } from "../../src/telemetry/instrument.ts";
import type { instruments } from "../../src/telemetry/instruments.ts";

/** The colours of a label's values. A new value without a colour does not compile. */
export type Colours<Value extends string = string> = Readonly<Record<Value, string>>;

/** Names by family: purple DNS, red and orange the network, blue TLS, green proxies, yellow credentials. */
export const reasonColours: Colours<Reason> = {
  dns_not_found: "purple",
  dns_temporary: "light-purple",
  refused: "red",
  unreachable: "dark-red",
  reset: "light-red",
  timeout: "orange",
  access_denied: "#705da0",
  local_resource: "#8f3bb8",
  tls_closed: "super-light-blue",
  tls_cert_expired: "dark-blue",
  tls_cert_untrusted: "semi-dark-blue",
  tls_hostname: "blue",
  tls_client_cert: "light-blue",
  tls_protocol: "#6ed0e0",
  proxy_auth: "dark-green",
  proxy_rejected: "light-green",
  auth_failed: "yellow",
  auth_expired: "light-yellow",
  server_limit: "dark-orange",
  handshake_closed: "light-orange",
  protocol: "#bf1b00",
  circuit_open: "#3f6833",
  pool_exhausted: "#967302",
  no_target: "#3f2b5b",
  config: "#58140c",
  _OTHER: "#808080",
};

/** Cool colours for expected closes, warm colours for the others. */
export const closeColours: Colours<(typeof disconnectReasons)[number]> = {
  local: "blue",
  remote: "orange",
  reset: "red",
  timeout: "dark-orange",
  idle: "light-blue",
  max_lifetime: "super-light-blue",
  stale: "purple",
  drain: "green",
  unhealthy: "dark-red",
  error: "light-red",
  auth_expired: "yellow",
  forced: "light-green",
  lame_duck: "light-yellow",
};

export const outcomeColours: Colours<"succeeded" | "failed" | "canceled"> = {
  succeeded: "green",
  failed: "red",
  canceled: "#808080",
};

export const phaseColours: Colours<(typeof instruments.phaseDuration.labels)["dialer.phase"][number]> = {
  dns: "purple",
  connect: "green",
  proxy: "light-green",
  tls: "blue",
  handshake: "orange",
};

export const stateColours: Colours<(typeof clientStates)[number]> = {
  connecting: "yellow",
  connected: "green",
  reconnecting: "orange",
  draining: "blue",
  closed: "red",
};

export const errorKindColours: Colours<(typeof clientErrorKinds)[number]> = {
  permission_publish: "orange",
  permission_subscribe: "light-orange",
  auth: "yellow",
  protocol: "red",
  other: "#808080",
};

export const networkColours: Colours<(typeof instruments.connectDone.labels)["network.type"][number] | "unix"> = {
  ipv4: "blue",
  ipv6: "green",
  unix: "purple",
};

export const scopeColours: Colours<(typeof instruments.timeouts.labels)["dialer.timeout.scope"][number]> = {
  dial: "red",
  attempt: "orange",
  phase: "yellow",
  pool: "purple",
  idle: "blue",
};

export const causeColours: Colours<(typeof instruments.retryExhausted.labels)["dialer.retry.cause"][number]> = {
  attempts: "red",
  deadline: "orange",
  budget: "purple",
  non_retryable: "blue",
};

export const directionColours: Colours<(typeof ioDirection)["network.io.direction"][number]> = {
  receive: "blue",
  transmit: "orange",
};

/** From best to worst. */
export const breakerColours: Colours<BreakerState> = { closed: "green", half_open: "yellow", open: "red" };

export const limitColours: Colours<Limit> = { concurrency: "blue", rate: "purple" };

export const acquireColours: Colours<AcquireOutcome> = {
  hit: "green",
  miss: "blue",
  timeout: "orange",
  failure: "red",
  canceled: "#808080",
};

/** Same colours as in {@link closeColours} for shared reasons. */
export const evictionColours: Colours<EvictionReason> = {
  idle: closeColours.idle,
  max_lifetime: closeColours.max_lifetime,
  overflow: "blue",
  stale: closeColours.stale,
  unhealthy: closeColours.unhealthy,
  destroyed: "orange",
  drain: closeColours.drain,
};

export const useColours: Colours<
  (typeof instruments.connectionCount.labels)["dialer.connection.state"][number] | "limit"
> = {
  used: "blue",
  idle: "light-blue",
  limit: "red",
};
