/**
 * Why a dial failed: the closed set of `error.type` values. Each failure has exactly one. `retry` is the default of
 * `withRetry`: `limited` means one retry, because the credentials may have been refreshed.
 */
export const reasonTable = {
  dns_not_found: { retry: "yes" },
  dns_temporary: { retry: "yes" },
  refused: { retry: "yes" },
  access_denied: { retry: "no" },
  timeout: { retry: "yes" },
  reset: { retry: "yes" },
  tls_closed: { retry: "yes" },
  unreachable: { retry: "yes" },
  local_resource: { retry: "yes" },
  tls_cert_expired: { retry: "no" },
  tls_cert_untrusted: { retry: "no" },
  tls_hostname: { retry: "no" },
  tls_client_cert: { retry: "no" },
  tls_protocol: { retry: "no" },
  proxy_auth: { retry: "no" },
  proxy_rejected: { retry: "yes" },
  auth_failed: { retry: "limited" },
  auth_expired: { retry: "limited" },
  server_limit: { retry: "yes" },
  handshake_closed: { retry: "yes" },
  protocol: { retry: "no" },
  circuit_open: { retry: "no" },
  pool_exhausted: { retry: "no" },
  no_target: { retry: "no" },
  config: { retry: "no" },
  _OTHER: { retry: "yes" },
} as const satisfies Record<string, { retry: "yes" | "no" | "limited" }>;

/** Why a dial failed. See {@link reasonTable}. */
export type Reason = keyof typeof reasonTable;

/** Every {@link Reason}. Counters start with one series per reason. */
export const reasons = Object.keys(reasonTable) as readonly Reason[];

/** Whether a failure of attempt number `attempt` with `reason` is retried by default. */
export function isRetryable(reason: Reason, attempt: number): boolean {
  const { retry } = reasonTable[reason];
  return retry === "yes" || (retry === "limited" && attempt === 1);
}
