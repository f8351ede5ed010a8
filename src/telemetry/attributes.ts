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

/** Addresses of one answer that a span shows: a peer's words take no more than 1 kB. */
const maxAnswers = 20;

/** Attributes of the dial's span that a sampler may want, so they are there at its start. */
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

export function dialDoneAttributes({ attempts, outcome }: DialDoneInfo): Attributes {
  return { "dialer.attempt.count": attempts, "dialer.outcome": outcome };
}

export function attemptAttributes({ attempt, target }: AttemptStartInfo): Attributes {
  return { "dialer.attempt.number": attempt, "dialer.endpoint": target.toString() };
}

export function dnsAttributes({ host, addresses }: Pick<DnsDoneInfo, "host"> & Partial<DnsDoneInfo>): Attributes {
  return {
    "dns.question.name": printable(host),
    ...(addresses?.length && { "dns.answers": addresses.slice(0, maxAnswers).map((each) => each.address) }),
  };
}

export function peerAttributes({ address, port, family }: Address): Attributes {
  if (family === "unix") return { "network.peer.address": shownPath(address), "network.transport": "unix" };
  return { "network.peer.address": address, "network.peer.port": port, "network.type": family };
}

export function connectDoneAttributes({ socket }: ConnectDoneInfo): Attributes {
  const local = socket?.localAddress;
  return local === undefined ? {} : { "network.local.address": local };
}

export function proxyAttributes({ type, proxy }: ProxyStartInfo): Attributes {
  return { "dialer.proxy.type": type, "network.peer.address": proxy.host, "network.peer.port": proxy.port };
}

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

export function handshakeDoneAttributes({ protocol }: HandshakeDoneInfo): Attributes {
  return protocol === undefined ? {} : { "network.protocol.name": protocol.name, ...protocol.attributes };
}

export function backoffAttributes({ delayMs, reason }: RetryScheduledInfo): Attributes {
  return { "dialer.backoff.delay": delayMs / 1000, "error.type": reason };
}

export function clientAttributes({ name }: ObservedClient): Attributes {
  return name ? { "nats.client.name": printable(name) } : {};
}

export function disconnectAttributes({ server, reason }: DisconnectInfo): Attributes {
  return { "nats.disconnect.server": printable(server), "nats.disconnect.reason": reason };
}

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

/** How something ended: `error.type` on a failure, `dialer.outcome` on a caller's abort. */
export function endedAttributes({ outcome, reason }: Pick<Ended, "outcome" | "reason">): Attributes {
  if (reason !== undefined) return { "error.type": reason };
  return outcome === "canceled" ? { "dialer.outcome": "canceled" } : {};
}
