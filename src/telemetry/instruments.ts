/** All metrics. The file is long because it is one table, with a row for each metric. */
import type { ClientErrorKind } from "../client/client-trace.ts";
import { breakerStates, closeReasons, exhaustedCauses, limits } from "../core/event-values.ts";
import { reasons } from "../core/reasons.ts";
import { acquireOutcomes, evictionReasons } from "../pool/pool-trace.ts";

/** One row of the table: everything that a metrics library needs to create the instrument. */
export interface Instrument {
  /** OpenTelemetry name. The Prometheus name is derived from it. */
  readonly name: string;
  readonly kind: "counter" | "gauge" | "histogram";
  /** UCUM unit. `s` and `By` become suffixes in Prometheus; annotations in braces do not. */
  readonly unit: string;
  readonly help: string;
  /** Labels besides {@link ownerLabel}, each with its set of values. The values of `endpoint` are configured. */
  readonly labels: Readonly<Record<string, readonly string[]>>;
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[];
}

/** Label of every instrument: the name of the dialer, pool or client. */
export const ownerLabel = "dialer.name";

const latency = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const lifetime = [1, 10, 60, 300, 900, 3600, 14_400, 43_200, 86_400, 604_800];
const roundTrip = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const outage = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

/** The value of `error.type` on success. */
export const noError = "";

const errorType = { "error.type": reasons };
const errorTypeOrNone = { "error.type": [noError, ...reasons] };

/** States of a NATS client. A client is in exactly one of them. */
export const clientStates = ["connecting", "connected", "reconnecting", "draining", "closed"] as const;
/** Reasons why a NATS client lost its connection. */
export const disconnectReasons = [...closeReasons, "auth_expired", "forced", "lame_duck"] as const;

/** Kinds of errors that NATS servers report. */
export const clientErrorKinds = [
  "permission_publish",
  "permission_subscribe",
  "auth",
  "protocol",
  "other",
] as const satisfies readonly ClientErrorKind[];

/** The table of all metrics. */
export const instruments = {
  dialDuration: {
    name: "dialer.dial.duration",
    kind: "histogram",
    unit: "s",
    help: "Duration of dials, including all attempts and delays; error.type is empty on success.",
    labels: errorTypeOrNone,
    buckets: latency,
  },
  dialActive: {
    name: "dialer.dial.active",
    kind: "gauge",
    unit: "{dial}",
    help: "Dials in progress.",
    labels: {},
  },
  dialsFailed: {
    name: "dialer.dials.failed",
    kind: "counter",
    unit: "{dial}",
    help: "Dials that failed, after their last attempt.",
    labels: {},
  },
  dialsCanceled: {
    name: "dialer.dials.canceled",
    kind: "counter",
    unit: "{dial}",
    help: "Dials canceled by the caller, counted neither as successes nor as failures.",
    labels: {},
  },
  attemptsStarted: {
    name: "dialer.attempts.started",
    kind: "counter",
    unit: "{attempt}",
    help: "Attempts started, including retries: the sum of established, failed, canceled and active.",
    labels: {},
  },
  attemptActive: {
    name: "dialer.attempt.active",
    kind: "gauge",
    unit: "{attempt}",
    help: "Attempts in progress.",
    labels: {},
  },
  attemptsFailed: {
    name: "dialer.attempts.failed",
    kind: "counter",
    unit: "{attempt}",
    help: "Failed attempts, by reason.",
    labels: errorType,
  },
  attemptsCanceled: {
    name: "dialer.attempts.canceled",
    kind: "counter",
    unit: "{attempt}",
    help: "Attempts canceled by the caller.",
    labels: {},
  },
  connectionsEstablished: {
    name: "dialer.connections.established",
    kind: "counter",
    unit: "{connection}",
    help: "Attempts that succeeded, including the protocol handshake.",
    labels: {},
  },
  phaseDuration: {
    name: "dialer.phase.duration",
    kind: "histogram",
    unit: "s",
    help: "Duration of each phase of an attempt; error.type is empty on success.",
    labels: { phase: ["dns", "tcp", "proxy", "tls", "handshake"], ...errorTypeOrNone },
    buckets: latency,
  },
  connects: {
    name: "dialer.connects",
    kind: "counter",
    unit: "{connect}",
    help: "Connects to single addresses, by address family and outcome.",
    labels: { "network.type": ["ipv4", "ipv6", "unix"], outcome: ["success", "failure", "canceled"] },
  },
  retries: {
    name: "dialer.retries",
    kind: "counter",
    unit: "{retry}",
    help: "Retries scheduled, by the reason of the preceding failure.",
    labels: errorType,
  },
  retriesExhausted: {
    name: "dialer.retries.exhausted",
    kind: "counter",
    unit: "{dial}",
    help: "Dials that stopped retrying, by cause.",
    labels: { cause: exhaustedCauses },
  },
  backoffTime: {
    name: "dialer.backoff.time",
    kind: "counter",
    unit: "s",
    help: "Total scheduled delay before retries, and before first attempts with a start delay.",
    labels: {},
  },
  timeouts: {
    name: "dialer.timeouts",
    kind: "counter",
    unit: "{timeout}",
    help: "Timeouts, by scope.",
    labels: { scope: ["dial", "attempt", "phase", "pool", "idle"] },
  },
  failovers: {
    name: "dialer.failovers",
    kind: "counter",
    unit: "{failover}",
    help: "Failovers to another target, by the reason of the preceding failure.",
    labels: errorType,
  },
  breakerStatus: {
    name: "dialer.breaker.status",
    kind: "gauge",
    unit: "{breaker}",
    help: "Breakers in each state; a breaker is counted from its first state change.",
    labels: { endpoint: [], state: breakerStates },
  },
  breakerTransitions: {
    name: "dialer.breaker.transitions",
    kind: "counter",
    unit: "{transition}",
    help: "Breaker state changes, by new state.",
    labels: { endpoint: [], state: breakerStates },
  },
  limitWaitDuration: {
    name: "dialer.limit.wait.duration",
    kind: "histogram",
    unit: "s",
    help: "Time that dials waited at a limit; dials that did not wait are not counted.",
    labels: { limit: limits },
    buckets: latency,
  },
  connectionCount: {
    name: "dialer.connection.count",
    kind: "gauge",
    unit: "{connection}",
    help: "Open connections, by state.",
    labels: { state: ["used", "idle"] },
  },
  connectionsClosed: {
    name: "dialer.connections.closed",
    kind: "counter",
    unit: "{connection}",
    help: "Closed connections, by reason.",
    labels: { reason: closeReasons },
  },
  connectionDuration: {
    name: "dialer.connection.duration",
    kind: "histogram",
    unit: "s",
    help: "Lifetime of closed connections.",
    labels: {},
    buckets: lifetime,
  },
  connectionIo: {
    name: "dialer.connection.io",
    kind: "counter",
    unit: "By",
    help: "Bytes received and transmitted, updated at each scrape and when a connection closes.",
    labels: { direction: ["receive", "transmit"] },
  },
  poolLimit: {
    name: "dialer.pool.limit",
    kind: "gauge",
    unit: "{connection}",
    help: "Maximum number of connections to the current targets of the pools; zero without a limit.",
    labels: {},
  },
  poolPendingRequests: {
    name: "dialer.pool.pending_requests",
    kind: "gauge",
    unit: "{request}",
    help: "Callers waiting for a pool's connection.",
    labels: {},
  },
  poolAcquires: {
    name: "dialer.pool.acquires",
    kind: "counter",
    unit: "{request}",
    help: "Requests for a pool's connection, by outcome: an idle connection (hit), a new one (miss), or none.",
    labels: { outcome: acquireOutcomes },
  },
  poolEvictions: {
    name: "dialer.pool.evictions",
    kind: "counter",
    unit: "{connection}",
    help: "Connections removed from pools, by reason.",
    labels: { reason: evictionReasons },
  },
  poolWaitDuration: {
    name: "dialer.pool.wait.duration",
    kind: "histogram",
    unit: "s",
    help: "Time from a request for a pool's connection until it is granted or fails.",
    labels: {},
    buckets: latency,
  },
  poolUseDuration: {
    name: "dialer.pool.use.duration",
    kind: "histogram",
    unit: "s",
    help: "Time from acquiring a pool's connection to its release.",
    labels: {},
    buckets: latency,
  },
  peerCertificateExpiry: {
    name: "dialer.tls.peer_certificate.expiry.timestamp",
    kind: "gauge",
    unit: "s",
    help: "Earliest expiry of the servers' certificates, as last seen for each server name; absent before the first TLS handshake.",
    labels: {},
  },
  clientStatus: {
    name: "nats.client.connection.status",
    kind: "gauge",
    unit: "{client}",
    help: "Clients in each state.",
    labels: { state: clientStates },
  },
  clientDisconnects: {
    name: "nats.client.disconnects",
    kind: "counter",
    unit: "{disconnect}",
    help: "Established connections that were lost or closed, by reason.",
    labels: { reason: disconnectReasons },
  },
  clientReconnects: {
    name: "nats.client.reconnects",
    kind: "counter",
    unit: "{reconnect}",
    help: "Successful reconnects.",
    labels: {},
  },
  clientReconnectAttempts: {
    name: "nats.client.reconnect.attempts",
    kind: "counter",
    unit: "{attempt}",
    help: "Reconnect attempts.",
    labels: {},
  },
  clientOutageDuration: {
    name: "nats.client.outage.duration",
    kind: "histogram",
    unit: "s",
    help: "Time from losing a connection to the reconnect.",
    labels: {},
    buckets: outage,
  },
  clientServerCount: {
    name: "nats.client.server.count",
    kind: "gauge",
    unit: "{server}",
    help: "Servers that clients can connect to, by source: configured, or discovered from a server.",
    labels: { source: ["configured", "discovered"] },
  },
  clientServerChanges: {
    name: "nats.client.server.changes",
    kind: "counter",
    unit: "{server}",
    help: "Servers added to or removed from the cluster, as reported to the clients.",
    labels: { change: ["added", "removed"] },
  },
  clientLameDuck: {
    name: "nats.client.lame_duck",
    kind: "counter",
    unit: "{connection}",
    help: "Connections whose server announced its shutdown (lame duck mode).",
    labels: {},
  },
  clientStaleConnections: {
    name: "nats.client.stale_connections",
    kind: "counter",
    unit: "{connection}",
    help: "Connections closed by the client because pings were not answered.",
    labels: {},
  },
  clientSlowConsumers: {
    name: "nats.client.slow_consumers",
    kind: "counter",
    unit: "{event}",
    help: "Times that a subscription exceeded its limit of pending messages.",
    labels: {},
  },
  clientForcedReconnects: {
    name: "nats.client.forced_reconnects",
    kind: "counter",
    unit: "{reconnect}",
    help: "Reconnects requested by the application.",
    labels: {},
  },
  clientErrors: {
    name: "nats.client.errors",
    kind: "counter",
    unit: "{error}",
    help: "Errors reported by servers on established connections, by kind.",
    labels: { kind: clientErrorKinds },
  },
  clientRtt: {
    name: "nats.client.rtt",
    kind: "histogram",
    unit: "s",
    help: "Round-trip time between client and server.",
    labels: {},
    buckets: roundTrip,
  },
  clientMessages: {
    name: "nats.client.messages",
    kind: "counter",
    unit: "{message}",
    help: "Messages received and transmitted, updated at each scrape and when a client ends.",
    labels: { direction: ["receive", "transmit"] },
  },
  clientIo: {
    name: "nats.client.io",
    kind: "counter",
    unit: "By",
    help: "Message bytes received and transmitted, updated at each scrape and when a client ends.",
    labels: { direction: ["receive", "transmit"] },
  },
  clientPublishesRejected: {
    name: "nats.client.publishes.rejected",
    kind: "counter",
    unit: "{message}",
    help: "Messages rejected while disconnected because the reconnect buffer was full or disabled.",
    labels: {},
  },
  clientBufferSize: {
    name: "nats.client.buffer.size",
    kind: "gauge",
    unit: "By",
    help: "Message bytes buffered until the client reconnects.",
    labels: {},
  },
} as const satisfies Record<string, Instrument>;

/** Key of one row of {@link instruments}. */
export type InstrumentKey = keyof typeof instruments;
