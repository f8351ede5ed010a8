import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Registry } from "prom-client";
import type { Middleware } from "../core/dialer.ts";
import { attach } from "../core/observe.ts";
import { reasons } from "../core/reasons.ts";
import { closeReasons, type DialTrace, type Ended, exhaustedCauses } from "../core/trace.ts";
import { checkOptions, show } from "../core/validate.ts";
import { goConntrackHooks } from "./go-conntrack.ts";
import { instruments, noError } from "./instruments.ts";
import { type Add, beforeScrape, byValue, earliestOf, seriesOf } from "./prometheus-instruments.ts";

export interface PrometheusOptions {
  /** Registry of prom-client that the metrics go to. */
  registry: Registry;
  /** Value of the label `dialer_name`. @defaultValue `"default"` */
  name?: string | undefined;
  /** Also publishes go-conntrack's four counters, `net_conntrack_dialer_conn_*`, for its dashboards. @defaultValue false */
  goConntrack?: boolean | undefined;
}

/**
 * Counts and times everything beneath it into prom-client's registry: dials, attempts, phases,
 * retries, timeouts, and the connections that are open, closed and how much they carried. All series
 * start at zero. Several dialers may share a registry, told apart by name.
 *
 * @throws TypeError at construction, naming the option.
 * @example
 * const dial = compose(withPrometheus({ registry, name: "orders" }), withRetry(), tcp());
 */
export function withPrometheus(options: PrometheusOptions): Middleware {
  checkOptions("withPrometheus", options, ["registry", "name", "goConntrack"]);
  const { registry, name = "default", goConntrack = false } = options;
  checkRegistry("withPrometheus", registry);
  checkName("withPrometheus", name);
  if (typeof goConntrack !== "boolean") {
    throw new TypeError(`withPrometheus: goConntrack must be a boolean, got ${show(goConntrack)}`);
  }
  const metrics = attach(dialerHooks(registry, name));
  if (!goConntrack) return metrics;
  const conntrack = attach(goConntrackHooks(registry, name));
  return (next) => metrics(conntrack(next));
}

/** Throws a `TypeError` that names the option unless it is a registry of prom-client. */
export function checkRegistry(factory: string, registry: unknown): void {
  if (typeof (registry as Registry | undefined)?.getSingleMetric !== "function") {
    throw new TypeError(`${factory}: registry must be a Registry of prom-client, got ${show(registry)}`);
  }
}

/** Throws a `TypeError` that names the option unless it can be a label's value. */
export function checkName(factory: string, name: unknown): void {
  if (typeof name !== "string" || name === "" || name.length > 128) {
    throw new TypeError(`${factory}: name must be a string of 1 to 128 characters, got ${show(name)}`);
  }
}

function dialerHooks(registry: Registry, name: string): DialTrace {
  const series = seriesOf(registry, name);
  const dialActive = series("dialActive", {});
  const dialsCanceled = series("dialsCanceled", {});
  const attemptActive = series("attemptActive", {});
  const attemptsStarted = series("attemptsStarted", {});
  const attemptsCanceled = series("attemptsCanceled", {});
  const established = series("connectionsEstablished", {});
  const backoffTime = series("backoffTime", {});
  const lifetime = series("connectionDuration", {});
  const used = series("connectionCount", { state: "used" });
  series("connectionCount", { state: "idle" });
  const attemptsFailed = byValue(reasons, (reason) => series("attemptsFailed", { "error.type": reason }));
  const retries = byValue(reasons, (reason) => series("retries", { "error.type": reason }));
  const exhausted = byValue(exhaustedCauses, (cause) => series("retriesExhausted", { cause }));
  const timeouts = byValue(instruments.timeouts.labels.scope, (scope) => series("timeouts", { scope }));
  const closed = byValue(closeReasons, (reason) => series("connectionsClosed", { reason }));
  const connects = byValue(instruments.connects.labels["network.type"], (type) =>
    byValue(instruments.connects.labels.outcome, (outcome) => series("connects", { "network.type": type, outcome })),
  );
  const errorTypes = instruments.dialDuration.labels["error.type"];
  const dialDuration = byValue(errorTypes, (type) => series("dialDuration", { "error.type": type }));
  const phases = byValue(instruments.phaseDuration.labels.phase, (phase) =>
    byValue(errorTypes, (type) => series("phaseDuration", { phase, "error.type": type })),
  );
  const io = openConnections(
    series("connectionIo", { direction: "receive" }),
    series("connectionIo", { direction: "transmit" }),
  );
  beforeScrape(registry, "connectionIo", io.readAll);
  const certificateExpiry = earliestOf(registry, name, "peerCertificateExpiry");

  return {
    dialStart() {
      dialActive(1);
    },
    dialDone(info) {
      dialActive(-1);
      if (info.outcome === "canceled") dialsCanceled(1);
      else observe(dialDuration, info);
    },
    attemptStart() {
      attemptsStarted(1);
      attemptActive(1);
    },
    attemptDone({ outcome, reason, conn }) {
      attemptActive(-1);
      if (outcome === "canceled") attemptsCanceled(1);
      else if (reason !== undefined) forReason(attemptsFailed, reason)(1);
      else if (conn !== undefined) {
        established(1);
        used(1);
        io.opened(conn);
      }
    },
    dnsDone: (info) => observe(phases.dns, info),
    connectDone(info) {
      connects[info.address.family][info.outcome](1);
      observe(phases.tcp, info);
    },
    proxyDone: (info) => observe(phases.proxy, info),
    tlsHandshakeDone(info) {
      const { serverName, peerCertificateExpiresAt } = info;
      observe(phases.tls, info);
      if (peerCertificateExpiresAt !== undefined) certificateExpiry(serverName, peerCertificateExpiresAt / 1000);
    },
    handshakeDone: (info) => observe(phases.handshake, info),
    retryScheduled({ reason, delayMs }) {
      forReason(retries, reason)(1);
      backoffTime(delayMs / 1000);
    },
    retryExhausted: ({ cause }) => exhausted[cause](1),
    timeout: ({ scope }) => timeouts[scope](1),
    connClosed({ conn, reason, durationMs }) {
      used(-1);
      closed[reason](1);
      lifetime(durationMs / 1000);
      io.closed(conn);
    },
  };
}

function observe(histograms: Readonly<Record<string, Add>>, { outcome, reason, durationMs }: Ended): void {
  if (outcome !== "canceled") forReason(histograms, reason ?? noError)(durationMs / 1000);
}

/** The set of values is closed, whatever reason an adapter in plain JavaScript has made up. */
function forReason(series: Readonly<Record<string, Add>>, reason: string): Add {
  return series[reason] ?? (series._OTHER as Add);
}

/** Reads the byte counts that sockets keep, so that nothing is done per chunk of data. */
function openConnections(received: Add, transmitted: Add) {
  const open = new Map<Duplex, { read: number; written: number }>();
  const readOne = (conn: Duplex, seen: { read: number; written: number }) => {
    const { bytesRead = 0, bytesWritten = 0 } = conn as Socket;
    received(Math.max(0, bytesRead - seen.read));
    transmitted(Math.max(0, bytesWritten - seen.written));
    seen.read = bytesRead;
    seen.written = bytesWritten;
  };
  return {
    opened: (conn: Duplex) => open.set(conn, { read: 0, written: 0 }),
    closed(conn: Duplex) {
      const seen = open.get(conn);
      if (seen !== undefined) readOne(conn, seen);
      open.delete(conn);
    },
    readAll() {
      for (const [conn, seen] of open) readOne(conn, seen);
    },
  };
}
