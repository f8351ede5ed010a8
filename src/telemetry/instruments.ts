import type { ClientErrorKind } from "../client/client-trace.ts";
import { breakerStates, closeReasons, exhaustedCauses, limits } from "../core/event-values.ts";
import { reasons } from "../core/reasons.ts";
import { acquireOutcomes, evictionReasons } from "../pool/pool-trace.ts";

/** One row of the table: everything that a metrics library needs to make the instrument. */
export interface Instrument {
  /** OpenTelemetry name; Prometheus' is its mechanical translation. */
  readonly name: string;
  readonly kind: "counter" | "gauge" | "histogram";
  /** UCUM: `s` and `By` become suffixes in Prometheus, annotations in braces do not. */
  readonly unit: string;
  readonly help: string;
  /** Labels besides the owner's name, each with its closed set of values; those of `endpoint` are configured. */
  readonly labels: Readonly<Record<string, readonly string[]>>;
  /** Upper bounds of a histogram. */
  readonly buckets?: readonly number[];
}

/** Label of every `dialer.*` and `nats.client.*` instrument: which dialer, or client, of the process. */
export const ownerLabel = "dialer.name";

const latency = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const lifetime = [1, 10, 60, 300, 900, 3600, 14_400, 43_200, 86_400, 604_800];
const roundTrip = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const outage = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

/** The value of `error.type` where nothing went wrong. */
export const noError = "";

const errorType = { "error.type": reasons };
const errorTypeOrNone = { "error.type": [noError, ...reasons] };

/** States of a NATS client, of which exactly one is 1 at any moment. */
export const clientStates = ["connecting", "connected", "reconnecting", "draining", "closed"] as const;
/** Why a NATS client lost its connection. */
export const disconnectReasons = [...closeReasons, "auth_expired", "forced", "lame_duck"] as const;

/** What a NATS server has reported an error about. */
export const clientErrorKinds = [
  "permission_publish",
  "permission_subscribe",
  "auth",
  "protocol",
  "other",
] as const satisfies readonly ClientErrorKind[];

/** The one table of metric names, units, labels and buckets. */
export const instruments = {
  dialDuration: {
    name: "dialer.dial.duration",
    kind: "histogram",
    unit: "s",
    help: "Time that dials took, every attempt and wait included; error.type is empty for those that succeeded.",
    labels: errorTypeOrNone,
    buckets: latency,
  },
  dialActive: {
    name: "dialer.dial.active",
    kind: "gauge",
    unit: "{dial}",
    help: "Dials under way.",
    labels: {},
  },
  dialsFailed: {
    name: "dialer.dials.failed",
    kind: "counter",
    unit: "{dial}",
    help: "Dials that failed, every attempt used up.",
    labels: {},
  },
  dialsCanceled: {
    name: "dialer.dials.canceled",
    kind: "counter",
    unit: "{dial}",
    help: "Dials that their caller aborted; neither successes nor failures.",
    labels: {},
  },
  attemptsStarted: {
    name: "dialer.attempts.started",
    kind: "counter",
    unit: "{attempt}",
    help: "Attempts, retries included: established + failed + canceled + active.",
    labels: {},
  },
  attemptActive: {
    name: "dialer.attempt.active",
    kind: "gauge",
    unit: "{attempt}",
    help: "Attempts under way.",
    labels: {},
  },
  attemptsFailed: {
    name: "dialer.attempts.failed",
    kind: "counter",
    unit: "{attempt}",
    help: "Attempts that failed, each with its one reason.",
    labels: errorType,
  },
  attemptsCanceled: {
    name: "dialer.attempts.canceled",
    kind: "counter",
    unit: "{attempt}",
    help: "Attempts that the caller's abort ended.",
    labels: {},
  },
  connectionsEstablished: {
    name: "dialer.connections.established",
    kind: "counter",
    unit: "{connection}",
    help: "Attempts that brought a connection, handshake included.",
    labels: {},
  },
  phaseDuration: {
    name: "dialer.phase.duration",
    kind: "histogram",
    unit: "s",
    help: "Time that the phases of attempts took; error.type is empty for those that succeeded.",
    labels: { phase: ["dns", "tcp", "proxy", "tls", "handshake"], ...errorTypeOrNone },
    buckets: latency,
  },
  connects: {
    name: "dialer.connects",
    kind: "counter",
    unit: "{connect}",
    help: "Tries of single addresses.",
    labels: { "network.type": ["ipv4", "ipv6", "unix"], outcome: ["success", "failure", "canceled"] },
  },
  retries: {
    name: "dialer.retries",
    kind: "counter",
    unit: "{retry}",
    help: "Retries scheduled, by the reason of the failure before.",
    labels: errorType,
  },
  retriesExhausted: {
    name: "dialer.retries.exhausted",
    kind: "counter",
    unit: "{dial}",
    help: "Retrying dials that gave up, by what ended them.",
    labels: { cause: exhaustedCauses },
  },
  backoffTime: {
    name: "dialer.backoff.time",
    kind: "counter",
    unit: "s",
    help: "Time scheduled as waits between attempts, and before first ones where those are delayed.",
    labels: {},
  },
  timeouts: {
    name: "dialer.timeouts",
    kind: "counter",
    unit: "{timeout}",
    help: "Bounds that passed, by what they bounded.",
    labels: { scope: ["dial", "attempt", "phase", "pool", "idle"] },
  },
  failovers: {
    name: "dialer.failovers",
    kind: "counter",
    unit: "{failover}",
    help: "Times that a dial went on with another target, by the reason of the failure before.",
    labels: errorType,
  },
  breakerStatus: {
    name: "dialer.breaker.status",
    kind: "gauge",
    unit: "{breaker}",
    help: "Breakers in each state, of those that have ever changed theirs.",
    labels: { endpoint: [], state: breakerStates },
  },
  breakerTransitions: {
    name: "dialer.breaker.transitions",
    kind: "counter",
    unit: "{transition}",
    help: "Changes of breakers, by the state that they changed to.",
    labels: { endpoint: [], state: breakerStates },
  },
  limitWaitDuration: {
    name: "dialer.limit.wait.duration",
    kind: "histogram",
    unit: "s",
    help: "Time that dials waited for their turn at a limit; those that went through at once are not counted.",
    labels: { limit: limits },
    buckets: latency,
  },
  connectionCount: {
    name: "dialer.connection.count",
    kind: "gauge",
    unit: "{connection}",
    help: "Connections open.",
    labels: { state: ["used", "idle"] },
  },
  connectionsClosed: {
    name: "dialer.connections.closed",
    kind: "counter",
    unit: "{connection}",
    help: "Connections closed, each once, by who or what closed them.",
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
    help: "Bytes carried, read from the sockets when scraped and when they close.",
    labels: { direction: ["receive", "transmit"] },
  },
  poolLimit: {
    name: "dialer.pool.limit",
    kind: "gauge",
    unit: "{connection}",
    help: "Connections that pools may have to the targets that they know now; zero where there is no bound.",
    labels: {},
  },
  poolPendingRequests: {
    name: "dialer.pool.pending_requests",
    kind: "gauge",
    unit: "{request}",
    help: "Callers that wait for a pool's connection now.",
    labels: {},
  },
  poolAcquires: {
    name: "dialer.pool.acquires",
    kind: "counter",
    unit: "{request}",
    help: "Connections asked of pools, by what came of it: one that was there (hit), one just dialed (miss), or none.",
    labels: { outcome: acquireOutcomes },
  },
  poolEvictions: {
    name: "dialer.pool.evictions",
    kind: "counter",
    unit: "{connection}",
    help: "Connections that pools have no more, by why.",
    labels: { reason: evictionReasons },
  },
  poolWaitDuration: {
    name: "dialer.pool.wait.duration",
    kind: "histogram",
    unit: "s",
    help: "Time from asking a pool for a connection to the answer, those included who waited in vain.",
    labels: {},
    buckets: latency,
  },
  poolUseDuration: {
    name: "dialer.pool.use.duration",
    kind: "histogram",
    unit: "s",
    help: "Time that connections were in use before they were given back.",
    labels: {},
    buckets: latency,
  },
  peerCertificateExpiry: {
    name: "dialer.tls.peer_certificate.expiry.timestamp",
    kind: "gauge",
    unit: "s",
    help: "When the first of the servers' certificates expires, as last seen under each name; none before the first TLS handshake.",
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
    help: "Established connections that were lost or closed, by who or what ended them.",
    labels: { reason: disconnectReasons },
  },
  clientReconnects: {
    name: "nats.client.reconnects",
    kind: "counter",
    unit: "{reconnect}",
    help: "Reconnects that succeeded.",
    labels: {},
  },
  clientReconnectAttempts: {
    name: "nats.client.reconnect.attempts",
    kind: "counter",
    unit: "{attempt}",
    help: "Dials made to reconnect.",
    labels: {},
  },
  clientOutageDuration: {
    name: "nats.client.outage.duration",
    kind: "histogram",
    unit: "s",
    help: "Time from the loss of a connection to the reconnect.",
    labels: {},
    buckets: outage,
  },
  clientServerCount: {
    name: "nats.client.server.count",
    kind: "gauge",
    unit: "{server}",
    help: "Servers that clients may connect to, by whether they were given them or learned of them from a server.",
    labels: { source: ["configured", "discovered"] },
  },
  clientServerChanges: {
    name: "nats.client.server.changes",
    kind: "counter",
    unit: "{server}",
    help: "Servers that joined or left, as a server told.",
    labels: { change: ["added", "removed"] },
  },
  clientLameDuck: {
    name: "nats.client.lame_duck",
    kind: "counter",
    unit: "{connection}",
    help: "Connections whose server said that it was about to shut down.",
    labels: {},
  },
  clientStaleConnections: {
    name: "nats.client.stale_connections",
    kind: "counter",
    unit: "{connection}",
    help: "Connections given up because their server answered no ping.",
    labels: {},
  },
  clientSlowConsumers: {
    name: "nats.client.slow_consumers",
    kind: "counter",
    unit: "{event}",
    help: "Times that a subscription fell behind its bound.",
    labels: {},
  },
  clientForcedReconnects: {
    name: "nats.client.forced_reconnects",
    kind: "counter",
    unit: "{reconnect}",
    help: "Reconnects that the client's owner asked for.",
    labels: {},
  },
  clientErrors: {
    name: "nats.client.errors",
    kind: "counter",
    unit: "{error}",
    help: "Errors that servers reported on connections that were up.",
    labels: { kind: clientErrorKinds },
  },
  clientRtt: {
    name: "nats.client.rtt",
    kind: "histogram",
    unit: "s",
    help: "Round trips measured from client to server.",
    labels: {},
    buckets: roundTrip,
  },
  clientMessages: {
    name: "nats.client.messages",
    kind: "counter",
    unit: "{message}",
    help: "Messages carried, read from the clients when scraped and at their end.",
    labels: { direction: ["receive", "transmit"] },
  },
  clientIo: {
    name: "nats.client.io",
    kind: "counter",
    unit: "By",
    help: "Bytes of messages carried, read from the clients when scraped and at their end.",
    labels: { direction: ["receive", "transmit"] },
  },
  clientPublishesRejected: {
    name: "nats.client.publishes.rejected",
    kind: "counter",
    unit: "{message}",
    help: "Messages refused while disconnected because the reconnect buffer was full or off.",
    labels: {},
  },
  clientBufferSize: {
    name: "nats.client.buffer.size",
    kind: "gauge",
    unit: "By",
    help: "Bytes of messages that wait for a connection.",
    labels: {},
  },
} as const satisfies Record<string, Instrument>;

/** Key of one row of {@link instruments}. */
export type InstrumentKey = keyof typeof instruments;
