/** The fields of the events of the phases of an attempt. */
import type { Socket } from "node:net";
import type { Address, Ended, ProtocolInfo } from "./event-values.ts";
import type { Target } from "./target.ts";

/** What {@link DialTrace.dnsStart} says. */
export interface DnsStartInfo {
  /** The name to resolve. */
  readonly host: string;
}

/** What {@link DialTrace.dnsDone} says. */
export interface DnsDoneInfo extends DnsStartInfo, Ended {
  /** The addresses found, in the order in which they will be tried; empty on failure. */
  readonly addresses: readonly Address[];
}

/** What {@link DialTrace.connectStart} says. */
export interface ConnectStartInfo {
  /** The address tried. `connectDone` for it carries the same object. */
  readonly address: Address;
}

/** What {@link DialTrace.connectDone} says. */
export interface ConnectDoneInfo extends ConnectStartInfo, Ended {
  /** The connected socket, on success. Its bytes belong to the caller: a hook must not read, write or listen. */
  readonly socket?: Socket | undefined;
}

/** What {@link DialTrace.proxyStart} says. */
export interface ProxyStartInfo {
  /** Protocol spoken with the proxy: `http` or `socks5`. */
  readonly type: string;
  /** The proxy's host and port, without credentials. */
  readonly proxy: Target;
}

/** What {@link DialTrace.proxyDone} says. */
export interface ProxyDoneInfo extends ProxyStartInfo, Ended {}

/** What {@link DialTrace.tlsHandshakeStart} says. */
export interface TlsHandshakeStartInfo {
  /** Name sent as SNI and checked against the certificate; empty for an IP literal. */
  readonly serverName: string;
}

/** What {@link DialTrace.tlsHandshakeDone} says. */
export interface TlsHandshakeDoneInfo extends TlsHandshakeStartInfo, Ended {
  /** Protocol version, such as `TLSv1.3`; on success. */
  readonly protocol?: string | undefined;
  /** IANA name of the cipher suite; on success. */
  readonly cipher?: string | undefined;
  /** Protocol chosen by ALPN, if any. */
  readonly alpnProtocol?: string | undefined;
  /** Whether an earlier session was resumed. */
  readonly resumed?: boolean | undefined;
  /** End of validity of the peer's certificate, in milliseconds since the epoch. */
  readonly peerCertificateExpiresAt?: number | undefined;
}

/** What {@link DialTrace.handshakeStart} says. */
export interface HandshakeStartInfo {
  /** What the attempt dialed. */
  readonly target: Target;
  /** Number of the attempt within its dial, from 1. */
  readonly attempt: number;
}

/** What {@link DialTrace.handshakeEvent} says. */
export interface HandshakeEventInfo extends HandshakeStartInfo {
  /** The step reached, such as `info`. */
  readonly name: string;
}

/** What {@link DialTrace.handshakeDone} says. */
export interface HandshakeDoneInfo extends HandshakeStartInfo, Ended {
  /** The protocol and what its peer said of itself, when the handshake described them. */
  readonly protocol?: ProtocolInfo | undefined;
}
