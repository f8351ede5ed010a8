/** The fields of the events of the phases of an attempt. */
import type { Socket } from "node:net";
import type { Address, Ended, ProtocolInfo } from "./event-values.ts";
import type { Target } from "./target.ts";

/** Argument of {@link DialTrace.dnsStart}. */
export interface DnsStartInfo {
  /** The name to resolve. */
  readonly host: string;
}

/** Argument of {@link DialTrace.dnsDone}. */
export interface DnsDoneInfo extends DnsStartInfo, Ended {
  /** The addresses found, in the order in which they will be tried; empty on failure. */
  readonly addresses: readonly Address[];
}

/** Argument of {@link DialTrace.connectStart}. */
export interface ConnectStartInfo {
  /** The address to connect to. The `connectDone` of the same connect has the same object. */
  readonly address: Address;
}

/** Argument of {@link DialTrace.connectDone}. */
export interface ConnectDoneInfo extends ConnectStartInfo, Ended {
  /** The connected socket, on success. Its bytes belong to the caller: a hook must not read, write or listen. */
  readonly socket?: Socket | undefined;
}

/** Argument of {@link DialTrace.proxyStart}. */
export interface ProxyStartInfo {
  /** Protocol of the proxy: `http` or `socks5`. */
  readonly type: string;
  /** The proxy's host and port, without credentials. */
  readonly proxy: Target;
}

/** Argument of {@link DialTrace.proxyDone}. */
export interface ProxyDoneInfo extends ProxyStartInfo, Ended {}

/** Argument of {@link DialTrace.tlsHandshakeStart}. */
export interface TlsHandshakeStartInfo {
  /** The target that the handshake is with: that of the dial, or the proxy. Adapters may leave it out. */
  readonly target?: Target | undefined;
  /** Name sent as SNI and checked against the certificate; empty for an IP literal. */
  readonly serverName: string;
}

/** Argument of {@link DialTrace.tlsHandshakeDone}. */
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

/** Argument of {@link DialTrace.handshakeStart}. */
export interface HandshakeStartInfo {
  /** Target of the attempt. */
  readonly target: Target;
  /** Number of the attempt within its dial, from 1. */
  readonly attempt: number;
}

/** Argument of {@link DialTrace.handshakeEvent}. */
export interface HandshakeEventInfo extends HandshakeStartInfo {
  /** Name of the step, such as `info`. */
  readonly name: string;
}

/** Argument of {@link DialTrace.handshakeDone}. */
export interface HandshakeDoneInfo extends HandshakeStartInfo, Ended {
  /** The protocol and its peer, if the handshake described them. */
  readonly protocol?: ProtocolInfo | undefined;
}
