import type { Reason } from "../core/reasons.ts";

/** The exit codes, each with its meaning for the help. */
export const exitCodes = {
  0: "every dial succeeded",
  1: "dials failed, for several or unknown reasons",
  2: "the command line or a file cannot be used",
  3: "a name was not resolved",
  4: "no connection: refused, reset, unreachable, or not permitted",
  5: "a timeout",
  6: "TLS: a certificate or the handshake",
  7: "the proxy",
  8: "the credentials were refused",
  9: "the server: it is full, closed the connection or broke the protocol",
  10: "this host has no free port, file or memory",
  130: "interrupted before the first answer",
} as const;

/** An exit code of the command. */
export type ExitCode = keyof typeof exitCodes;

/** The exit code of each reason. A missing reason is a type error. */
export const exitCodeOf: Readonly<Record<Reason, ExitCode>> = {
  dns_not_found: 3,
  dns_temporary: 3,
  refused: 4,
  access_denied: 4,
  reset: 4,
  unreachable: 4,
  timeout: 5,
  tls_closed: 6,
  tls_cert_expired: 6,
  tls_cert_untrusted: 6,
  tls_hostname: 6,
  tls_client_cert: 6,
  tls_protocol: 6,
  proxy_auth: 7,
  proxy_rejected: 7,
  auth_failed: 8,
  auth_expired: 8,
  server_limit: 9,
  handshake_closed: 9,
  protocol: 9,
  local_resource: 10,
  config: 2,
  circuit_open: 1,
  pool_exhausted: 1,
  no_target: 1,
  _OTHER: 1,
};

/** Returns the exit code of a failed dial: that of its reason, or that of the proxy if the proxy was not reached. */
export function exitCodeFor(reason: Reason, failedAtProxy: boolean): ExitCode {
  return failedAtProxy && exitCodeOf[reason] !== 10 && exitCodeOf[reason] !== 2 ? 7 : exitCodeOf[reason];
}

/** Returns the code of a run: 0 without failures, the code that all failures share, else 1. */
export function exitCodeOfAll(failures: readonly ExitCode[]): ExitCode {
  const [first = 0, ...others] = new Set(failures);
  return others.length === 0 ? first : 1;
}
