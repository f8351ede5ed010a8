import type { Address } from "../core/event-values.ts";
import type { DialTrace } from "../core/trace.ts";
import { durationByErrorType } from "./duration-metrics.ts";
import { instruments } from "./instruments.ts";
import { byValue, otherValue, type Sink } from "./sink.ts";
import type { Timestamps } from "./timestamps.ts";

type PhaseName = (typeof instruments.phaseDuration.labels)["dialer.phase"][number];

const families = ["ipv4", "ipv6", "unix"] as const satisfies readonly Address["family"][];

/** Returns the attributes of an address family: a unix socket has a transport, but no network type. */
function networkOf(family: string) {
  if (family === "unix") return { "network.transport": "unix", "network.type": "" };
  const transport = family === otherValue ? otherValue : "tcp";
  return { "network.transport": transport, "network.type": family };
}

/** Records phase durations, connects by address family, and the expiry of peer certificates. */
export function phaseMetrics(sink: Sink, certificates: Timestamps) {
  const durationOf = (phase: PhaseName) =>
    durationByErrorType((type) => sink.series("phaseDuration", { "dialer.phase": phase, "error.type": type }));
  const dns = durationOf("dns");
  const connect = durationOf("connect");
  const tls = durationOf("tls");
  const connects = byValue(families, (family) =>
    byValue(instruments.connectDone.labels["dialer.outcome"], (outcome) =>
      sink.series("connectDone", { ...networkOf(family), "dialer.outcome": outcome }),
    ),
  );

  return {
    dnsDone: dns,
    connectDone(info) {
      connects(info.address.family)(info.outcome)(1);
      connect(info);
    },
    proxyDone: durationOf("proxy"),
    tlsHandshakeDone(info) {
      const { target, serverName, peerCertificateExpiresAt } = info;
      tls(info);
      if (peerCertificateExpiresAt === undefined) return;
      // An adapter of the application may not report the target.
      certificates.set(String(target ?? serverName), peerCertificateExpiresAt / 1000);
    },
    handshakeDone: durationOf("handshake"),
  } satisfies DialTrace;
}
