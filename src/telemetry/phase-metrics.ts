import type { DialTrace } from "../core/trace.ts";
import { durationByErrorType } from "./duration-metrics.ts";
import { instruments } from "./instruments.ts";
import { byValue, type Sink } from "./sink.ts";

type PhaseName = (typeof instruments.phaseDuration.labels.phase)[number];

/** Records phase durations, connects by address family, and the expiry of peer certificates. */
export function phaseMetrics(sink: Sink) {
  const durationOf = (phase: PhaseName) =>
    durationByErrorType((type) => sink.series("phaseDuration", { phase, "error.type": type }));
  const dns = durationOf("dns");
  const connect = durationOf("tcp");
  const tls = durationOf("tls");
  const { "network.type": families, outcome: outcomes } = instruments.connects.labels;
  const connects = byValue(families, (type) =>
    byValue(outcomes, (outcome) => sink.series("connects", { "network.type": type, outcome })),
  );
  const certificateExpiry = sink.earliest("peerCertificateExpiry");

  return {
    dnsDone: dns,
    connectDone(info) {
      connects(info.address.family)(info.outcome)(1);
      connect(info);
    },
    proxyDone: durationOf("proxy"),
    tlsHandshakeDone(info) {
      const { serverName, peerCertificateExpiresAt } = info;
      tls(info);
      if (peerCertificateExpiresAt !== undefined) certificateExpiry(serverName, peerCertificateExpiresAt / 1000);
    },
    handshakeDone: durationOf("handshake"),
  } satisfies DialTrace;
}
