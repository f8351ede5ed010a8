import type { ClientErrorKind, CredentialKind } from "../client/client-trace.ts";
import { closeReasons } from "../core/event-values.ts";
import { type Instrument, ioDirection } from "./instrument.ts";

const roundTrip = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const outage = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

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

/** Kinds of credentials that expire. */
export const credentialKinds = ["jwt", "certificate"] as const satisfies readonly CredentialKind[];

/** The metrics of NATS clients. */
export const clientInstruments = {
  clientStatus: {
    name: "nats.client.connection.status",
    kind: "gauge",
    aggregator: "sum",
    unit: "{client}",
    help: "Clients in each state.",
    labels: { "nats.client.state": clientStates },
  },
  clientDisconnects: {
    name: "nats.client.disconnects",
    kind: "counter",
    unit: "{disconnect}",
    help: "Established connections that were lost or closed, by reason.",
    labels: { "nats.client.disconnect.reason": disconnectReasons },
  },
  clientReconnectSucceeded: {
    name: "nats.client.reconnect.succeeded",
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
    aggregator: "sum",
    unit: "{server}",
    help: "Servers that clients can connect to, by source: configured, or discovered from a server.",
    labels: { "nats.client.server.source": ["configured", "discovered"] },
  },
  clientServerChanges: {
    name: "nats.client.server.changes",
    kind: "counter",
    unit: "{server}",
    help: "Servers added to or removed from the cluster, as reported to the clients.",
    labels: { "nats.client.server.change": ["added", "removed"] },
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
  clientReconnectForced: {
    name: "nats.client.reconnect.forced",
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
    labels: { "nats.client.error.kind": clientErrorKinds },
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
    labels: ioDirection,
  },
  clientIo: {
    name: "nats.client.io",
    kind: "counter",
    unit: "By",
    help: "Message bytes received and transmitted, updated at each scrape and when a client ends.",
    labels: ioDirection,
  },
  clientPublishRejected: {
    name: "nats.client.publish.rejected",
    kind: "counter",
    unit: "{message}",
    help: "Messages rejected while disconnected because the reconnect buffer was full or disabled.",
    labels: {},
  },
  clientPublishDropped: {
    name: "nats.client.publish.dropped",
    kind: "counter",
    unit: "{message}",
    help: "Messages that were buffered while disconnected and never sent, because the client closed.",
    labels: {},
  },
  clientPublishUnconfirmed: {
    name: "nats.client.publish.unconfirmed",
    kind: "counter",
    unit: "{message}",
    help: "Messages whose connection ended before a PONG confirmed them; they may be lost.",
    labels: {},
  },
  clientCredentialsExpiry: {
    name: "nats.client.credentials.expiry.timestamp",
    kind: "gauge",
    aggregator: "min",
    unit: "s",
    help: "Earliest expiry of the clients' credentials, by kind; absent without credentials that expire.",
    labels: { "nats.client.credentials.kind": credentialKinds },
  },
  clientCredentialsIssue: {
    name: "nats.client.credentials.issue.timestamp",
    kind: "gauge",
    aggregator: "min",
    unit: "s",
    help: "When the credentials that expire first were issued, by kind.",
    labels: { "nats.client.credentials.kind": credentialKinds },
  },
  clientBufferSize: {
    name: "nats.client.buffer.size",
    kind: "gauge",
    aggregator: "sum",
    unit: "By",
    help: "Message bytes buffered until the client reconnects.",
    labels: {},
  },
} as const satisfies Record<string, Instrument>;
