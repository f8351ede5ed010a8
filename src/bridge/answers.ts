import type { FailureReason } from "./client-request.ts";

/** Reply codes of SOCKS5 (RFC 1928, section 6). */
export const socksReplies = {
  succeeded: 0,
  generalFailure: 1,
  notAllowed: 2,
  networkUnreachable: 3,
  hostUnreachable: 4,
  refused: 5,
  ttlExpired: 6,
  commandNotSupported: 7,
  addressTypeNotSupported: 8,
} as const;

type SocksReply = keyof typeof socksReplies;

/** Answers to a client whose dial failed, by reason and protocol. A missing reason is a type error. */
const answers: Readonly<Record<FailureReason, readonly [SocksReply, httpStatus: 403 | 502 | 503 | 504]>> = {
  dns_not_found: ["hostUnreachable", 502],
  dns_temporary: ["hostUnreachable", 502],
  refused: ["refused", 502],
  access_denied: ["notAllowed", 403],
  timeout: ["ttlExpired", 504],
  reset: ["generalFailure", 502],
  tls_closed: ["generalFailure", 502],
  unreachable: ["hostUnreachable", 502],
  local_resource: ["generalFailure", 503],
  tls_cert_expired: ["generalFailure", 502],
  tls_cert_untrusted: ["generalFailure", 502],
  tls_hostname: ["generalFailure", 502],
  tls_client_cert: ["generalFailure", 502],
  tls_protocol: ["generalFailure", 502],
  proxy_auth: ["generalFailure", 502],
  proxy_rejected: ["generalFailure", 502],
  auth_failed: ["generalFailure", 502],
  auth_expired: ["generalFailure", 502],
  server_limit: ["generalFailure", 503],
  handshake_closed: ["generalFailure", 502],
  protocol: ["generalFailure", 502],
  circuit_open: ["generalFailure", 503],
  pool_exhausted: ["generalFailure", 503],
  no_target: ["hostUnreachable", 503],
  config: ["generalFailure", 502],
  _OTHER: ["generalFailure", 502],
  canceled: ["generalFailure", 503],
};

/** Returns the SOCKS reply code for a failed dial. */
export function socksReplyTo(reason: FailureReason, error: unknown): number {
  const code = (error as { code?: unknown } | undefined)?.code;
  if (code === "ENETUNREACH" || code === "ENETDOWN") return socksReplies.networkUnreachable;
  return socksReplies[answers[reason][0]];
}

/** Returns the HTTP status for a failed dial. */
export function httpStatusOf(reason: FailureReason): number {
  return answers[reason][1];
}
