import type { Reason } from "../core/reasons.ts";

/**
 * Which failures indicate an unhealthy peer. The others are failures of this host (`local_resource`, `access_denied`,
 * `config`), of the resolver, of credentials (a healthy peer rejects wrong credentials, and they may be wrong for one
 * caller only), and rejections by a layer below.
 */
const isPeerFailure: Readonly<Record<Reason, boolean>> = {
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

/** Whether a breaker counts a failure by default. */
export function countsByReason(reason: Reason): boolean {
  return isPeerFailure[reason];
}
