import type { Attributes } from "@opentelemetry/api";
import type { ClientConnectInfo, DisconnectInfo, ObservedClient } from "../client/client-trace.ts";
import type { Address, Ended } from "../core/event-values.ts";
import { parseTarget, shownPath, type Target } from "../core/target.ts";
import type {
  AttemptStartInfo,
  ConnectDoneInfo,
  DialDoneInfo,
  DnsDoneInfo,
  HandshakeDoneInfo,
  ProxyStartInfo,
  RetryScheduledInfo,
  TlsHandshakeDoneInfo,
} from "../core/trace.ts";
import { printable } from "../support/printable.ts";

/** Maximum number of addresses in `dns.answers`, which keeps that attribute below 1 kB. */
const maxAnswers = 20;

/** Attributes of the dial's span at its start, where a sampler can use them. */
export function dialAttributes(name: string, target: Target): Attributes {
  if (target.path !== undefined) {
    return { "dialer.name": name, "server.address": shownPath(target.path), "network.transport": "unix" };
  }
  return {
    "dialer.name": name,
    "server.address": target.host,
    "server.port": target.port,
    "network.transport": "tcp",
  };
}

/** Attributes that the dial's span gets at its end. */
export function dialDoneAttributes({ attempts, outcome }: DialDoneInfo): Attributes {
  return { "dialer.attempt.count": attempts, "dialer.outcome": outcome };
}

/** Attributes of an attempt's span. */
export function attemptAttributes({ attempt, target }: AttemptStartInfo): Attributes {
  return { "dialer.attempt.number": attempt, "dialer.endpoint": target.toString() };
}

/** Attributes of a DNS lookup; the addresses are known at its end. */
export function dnsAttributes({ host, addresses }: Pick<DnsDoneInfo, "host"> & Partial<DnsDoneInfo>): Attributes {
  return {
    "dns.question.name": printable(host),
    ...(addresses?.length && { "dns.answers": addresses.slice(0, maxAnswers).map((each) => each.address) }),
  };
}

/** Attributes of a connect to one address. */
export function peerAttributes({ address, port, family }: Address): Attributes {
  if (family === "unix") return { "network.peer.address": shownPath(address), "network.transport": "unix" };
  return { "network.peer.address": address, "network.peer.port": port, "network.type": family };
}

/** Attributes that a connect's span gets at its end. */
export function connectDoneAttributes({ socket }: ConnectDoneInfo): Attributes {
  const local = socket?.localAddress;
  return local === undefined ? {} : { "network.local.address": local };
}

/** Attributes of a proxy's connect. */
export function proxyAttributes({ type, proxy }: ProxyStartInfo): Attributes {
  return { "dialer.proxy.type": type, "network.peer.address": proxy.host, "network.peer.port": proxy.port };
}

/** Attributes of a completed TLS handshake, without those that the TLS implementation did not report. */
export function tlsDoneAttributes(info: TlsHandshakeDoneInfo): Attributes {
  const { protocol, cipher, alpnProtocol, resumed, peerCertificateExpiresAt } = info;
  return {
    ...(protocol && { "tls.protocol.name": "tls", "tls.protocol.version": protocol.replace(/^TLSv/, "") }),
    ...(cipher && { "tls.cipher": cipher }),
    ...(alpnProtocol && { "tls.next_protocol": printable(alpnProtocol) }),
    ...(resumed !== undefined && { "tls.resumed": resumed }),
    ...(peerCertificateExpiresAt !== undefined && {
      "tls.server.not_after": new Date(peerCertificateExpiresAt).toISOString(),
    }),
  };
}

/** Attributes of a completed protocol handshake. */
export function handshakeDoneAttributes({ protocol }: HandshakeDoneInfo): Attributes {
  return protocol === undefined ? {} : { "network.protocol.name": protocol.name, ...protocol.attributes };
}

/** Attributes of a scheduled retry. */
export function backoffAttributes({ delayMs, reason }: RetryScheduledInfo): Attributes {
  return { "dialer.backoff.delay": delayMs / 1000, "error.type": reason };
}

/** Attributes that identify a client; none for a client without a name. */
export function clientAttributes({ name }: ObservedClient): Attributes {
  return name ? { "nats.client.name": printable(name) } : {};
}

/** Attributes of a lost connection. */
export function disconnectAttributes({ server, reason }: DisconnectInfo): Attributes {
  return { "nats.client.disconnect.server": printable(server), "nats.client.disconnect.reason": reason };
}

/** Attributes of the server that a client has connected to. */
export function connectedAttributes({ server, identity }: ClientConnectInfo): Attributes {
  const { id, name, version, cluster } = identity;
  return {
    ...serverAttributes(server),
    ...(id && { "nats.server.id": id }),
    ...(name && { "nats.server.name": name }),
    ...(version && { "nats.server.version": version }),
    ...(cluster && { "nats.cluster": cluster }),
  };
}

function serverAttributes(server: string): Attributes {
  try {
    const { host, port } = parseTarget(server);
    return { "server.address": host, "server.port": port };
  } catch {
    return { "server.address": printable(server) };
  }
}

/** The outcome as attributes: `error.type` after a failure, `dialer.outcome` after a caller's abort, none after a success. */
export function endedAttributes({ outcome, reason }: Pick<Ended, "outcome" | "reason">): Attributes {
  if (reason !== undefined) return { "error.type": reason };
  return outcome === "canceled" ? { "dialer.outcome": "canceled" } : {};
}
