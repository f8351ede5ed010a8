import type { Reason } from "../core/reasons.ts";

/**
 * Which failures speak of the peer, so that dialing it again soon makes little sense. The others are
 * this host's own (`local_resource`, `access_denied`, `config`), the resolver's, those of credentials,
 * which may be one caller's only and which a peer in good health rejects, and the no of a layer beneath.
 */
const speaksOfPeer: Readonly<Record<Reason, boolean>> = {
  dns_not_found: true,
  dns_temporary: false,
  refused: true,
  access_denied: false,
  timeout: true,
  reset: true,
  tls_closed: true,
  unreachable: true,
  local_resource: false,
  tls_cert_expired: true,
  tls_cert_untrusted: true,
  tls_hostname: true,
  tls_client_cert: false,
  tls_protocol: true,
  proxy_auth: false,
  proxy_rejected: true,
  auth_failed: false,
  auth_expired: false,
  server_limit: true,
  handshake_closed: true,
  protocol: true,
  circuit_open: false,
  pool_exhausted: false,
  no_target: false,
  config: false,
  _OTHER: true,
};

/** What a breaker counts as a failure unless it is told otherwise. */
export function countsByReason(reason: Reason): boolean {
  return speaksOfPeer[reason];
}
