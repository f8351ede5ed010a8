import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { reasons } from "../core/reasons.ts";
import { closeReasons, type DialTrace, type Ended, exhaustedCauses, type Limit, limits } from "../core/trace.ts";
import { breakerMetrics } from "./breaker-metrics.ts";
import { instruments, noError } from "./instruments.ts";
import { type Add, byValue, type Sink } from "./sink.ts";

/**
 * Hooks that count and time dials into `sink`, whatever metrics library stands behind it. Breakers of
 * `endpoints` are told apart.
 */
export function dialerHooks(sink: Sink, endpoints: readonly string[] = []): DialTrace {
  const dialActive = sink.series("dialActive", {});
  const dialsFailed = sink.series("dialsFailed", {});
  const dialsCanceled = sink.series("dialsCanceled", {});
  const attemptActive = sink.series("attemptActive", {});
  const attemptsStarted = sink.series("attemptsStarted", {});
  const attemptsCanceled = sink.series("attemptsCanceled", {});
  const established = sink.series("connectionsEstablished", {});
  const backoffTime = sink.series("backoffTime", {});
  const lifetime = sink.series("connectionDuration", {});
  const used = sink.series("connectionCount", { state: "used" });
  const idle = sink.series("connectionCount", { state: "idle" });
  const idleConns = new WeakSet<Duplex>();
  const attemptsFailed = byValue(reasons, (reason) => sink.series("attemptsFailed", { "error.type": reason }));
  const retries = byValue(reasons, (reason) => sink.series("retries", { "error.type": reason }));
  const exhausted = byValue(exhaustedCauses, (cause) => sink.series("retriesExhausted", { cause }));
  const failovers = byValue(reasons, (reason) => sink.series("failovers", { "error.type": reason }));
  // Most dialers have no limits: these histograms appear with the first wait.
  let limitWaits: ((limit: Limit) => Add) | undefined;
  const breakers = breakerMetrics(sink, endpoints);
  const timeouts = byValue(instruments.timeouts.labels.scope, (scope) => sink.series("timeouts", { scope }));
  const closed = byValue(closeReasons, (reason) => sink.series("connectionsClosed", { reason }));
  const connects = byValue(instruments.connects.labels["network.type"], (type) =>
    byValue(instruments.connects.labels.outcome, (outcome) =>
      sink.series("connects", { "network.type": type, outcome }),
    ),
  );
  const errorTypes = instruments.dialDuration.labels["error.type"];
  const dialDuration = byValue(errorTypes, (type) => sink.series("dialDuration", { "error.type": type }));
  const phaseDuration = (phase: (typeof instruments.phaseDuration.labels.phase)[number]) =>
    byValue(errorTypes, (type) => sink.series("phaseDuration", { phase, "error.type": type }));
  const dns = phaseDuration("dns");
  const tcp = phaseDuration("tcp");
  const proxy = phaseDuration("proxy");
  const tls = phaseDuration("tls");
  const handshake = phaseDuration("handshake");
  const io = openConnections(
    sink.series("connectionIo", { direction: "receive" }),
    sink.series("connectionIo", { direction: "transmit" }),
  );
  sink.beforeScrape(["connectionIo"], io.readAll);
  const certificateExpiry = sink.earliest("peerCertificateExpiry");

  return {
    dialStart() {
      dialActive(1);
    },
    dialDone(info) {
      dialActive(-1);
      if (info.outcome === "canceled") dialsCanceled(1);
      else observe(dialDuration, info);
      // The histogram's series of a failure begin with it, and rate() doesn't see the beginning of a series.
      if (info.outcome === "failure") dialsFailed(1);
    },
    attemptStart() {
      attemptsStarted(1);
      attemptActive(1);
    },
    attemptDone({ outcome, reason, conn }) {
      attemptActive(-1);
      if (outcome === "canceled") attemptsCanceled(1);
      else if (reason !== undefined) attemptsFailed(reason)(1);
      else if (conn !== undefined) {
        established(1);
        used(1);
        io.opened(conn);
      }
    },
    dnsDone: (info) => observe(dns, info),
    connectDone(info) {
      connects(info.address.family)(info.outcome)(1);
      observe(tcp, info);
    },
    proxyDone: (info) => observe(proxy, info),
    tlsHandshakeDone(info) {
      const { serverName, peerCertificateExpiresAt } = info;
      observe(tls, info);
      if (peerCertificateExpiresAt !== undefined) certificateExpiry(serverName, peerCertificateExpiresAt / 1000);
    },
    handshakeDone: (info) => observe(handshake, info),
    retryScheduled({ reason, delayMs }) {
      retries(reason)(1);
      backoffTime(delayMs / 1000);
    },
    startDelayed: ({ delayMs }) => backoffTime(delayMs / 1000),
    retryExhausted: ({ cause }) => exhausted(cause)(1),
    timeout: ({ scope }) => timeouts(scope)(1),
    failover: ({ reason }) => failovers(reason)(1),
    breakerChange: breakers,
    limitWait({ limit, outcome, durationMs }) {
      // Who found the line full has not waited.
      if (outcome === "canceled" || durationMs === 0) return;
      limitWaits ??= byValue(limits, (each) => sink.series("limitWaitDuration", { limit: each }));
      limitWaits(limit)(durationMs / 1000);
    },
    gotConn({ conn }) {
      if (!idleConns.delete(conn)) return;
      idle(-1);
      used(1);
    },
    putIdleConn({ conn }) {
      if (idleConns.has(conn)) return;
      idleConns.add(conn);
      used(-1);
      idle(1);
    },
    connClosed({ conn, reason, durationMs }) {
      if (idleConns.delete(conn)) idle(-1);
      else used(-1);
      closed(reason)(1);
      lifetime(durationMs / 1000);
      io.closed(conn);
    },
  };
}

type ErrorType = (typeof instruments.dialDuration.labels)["error.type"][number];

function observe(histogram: (errorType: ErrorType) => Add, { outcome, reason, durationMs }: Ended): void {
  if (outcome !== "canceled") histogram(reason ?? noError)(durationMs / 1000);
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
