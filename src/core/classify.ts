import { isAggregateError, isError } from "../support/is-error.ts";
import { DialError } from "./errors.ts";
import { type Reason, reasonTable } from "./reasons.ts";

/** System and TLS codes that have one meaning in any error. */
const byCode = table<Reason | "canceled">({
  ENOTFOUND: "dns_not_found",
  ENODATA: "dns_not_found",
  ESERVFAIL: "dns_temporary",
  ETIMEOUT: "dns_temporary",
  ECONNREFUSED: "refused",
  EACCES: "access_denied",
  EPERM: "access_denied",
  ETIMEDOUT: "timeout",
  ECONNRESET: "reset",
  EPIPE: "reset",
  ECONNABORTED: "reset",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  EHOSTDOWN: "unreachable",
  ENETDOWN: "unreachable",
  EADDRNOTAVAIL: "local_resource",
  EADDRINUSE: "local_resource",
  EMFILE: "local_resource",
  ENFILE: "local_resource",
  ENOBUFS: "local_resource",
  ENOMEM: "local_resource",
  CERT_HAS_EXPIRED: "tls_cert_expired",
  CERT_NOT_YET_VALID: "tls_cert_expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "tls_cert_untrusted",
  SELF_SIGNED_CERT_IN_CHAIN: "tls_cert_untrusted",
  CERT_SIGNATURE_FAILURE: "tls_cert_untrusted",
  CERT_REVOKED: "tls_cert_untrusted",
  CERT_REJECTED: "tls_cert_untrusted",
  CERT_UNTRUSTED: "tls_cert_untrusted",
  CERT_CHAIN_TOO_LONG: "tls_cert_untrusted",
  INVALID_CA: "tls_cert_untrusted",
  INVALID_PURPOSE: "tls_cert_untrusted",
  PATH_LENGTH_EXCEEDED: "tls_cert_untrusted",
  ERR_TLS_CERT_ALTNAME_INVALID: "tls_hostname",
  HOSTNAME_MISMATCH: "tls_hostname",
  EPROTO: "tls_protocol",
  ECANCELED: "canceled",
  ERR_SOCKET_BAD_PORT: "config",
});

/** Families of codes, tried in order when {@link byCode} has no entry. */
const byCodePattern: readonly (readonly [RegExp, Reason])[] = [
  [/^EAI_/, "dns_temporary"],
  [/^UNABLE_TO_/, "tls_cert_untrusted"],
  [/^ERR_SSL_.*ALERT_(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA)$/, "tls_client_cert"],
  [/^ERR_SSL_/, "tls_protocol"],
  [/^ERR_(INVALID_|OSSL_)/, "config"],
];

/** Reasons by the text of an error message. */
const byMessage: readonly (readonly [RegExp, Reason])[] = [
  [/(user|account) authentication expired/i, "auth_expired"],
  [/authorization violation|authentication timeout|authentication revoked/i, "auth_failed"],
  [/maximum .*connections exceeded/i, "server_limit"],
  [/unexpected response from server/i, "protocol"],
];

/** Reasons by the name of the error class, so that no client needs to be imported. */
const byName = table<Reason>({
  TimeoutError: "timeout",
  UserAuthenticationExpiredError: "auth_expired",
  AuthorizationError: "auth_failed",
  ProtocolError: "protocol",
});

/** How the errors of one client library are classified, where their codes, messages and names do not follow the tables above. */
export interface ErrorRules {
  /** Returns the reason of one error of the chain of causes. */
  readonly reasonOf: (error: Error) => Reason | undefined;
  /** Returns the cause of an error that does not keep it in `cause`. */
  readonly causeOf?: (error: Error) => unknown;
}

const clientRules = new Set<ErrorRules>();

/** Adds the rules of a client library. Adding the same rules again has no effect. */
export function addErrorRules(rules: ErrorRules): void {
  clientRules.add(rules);
}

/** Maximum number of causes followed. */
const maxCauses = 5;

/**
 * Returns the reason of a failure: by a known code, else by the message, else by the error class. Each is searched
 * along the chain of causes, and the outermost match decides.
 *
 * @returns a {@link Reason}, or `"canceled"` for an abort by the caller, which is not a failure.
 */
export function classify(error: unknown): Reason | "canceled" {
  try {
    return classifyChain(causesBy(deciding, error));
  } catch {
    // A getter of a user's error threw.
    return "_OTHER";
  }
}

function classifyChain(chain: readonly Error[]): Reason | "canceled" {
  return (
    first(chain, codeReason) ??
    first(chain, messageReason) ??
    first(chain, nameReason) ??
    abortReason(chain) ??
    "_OTHER"
  );
}

function causesBy(choose: (error: unknown) => unknown, error: unknown): readonly Error[] {
  const chain: Error[] = [];
  let next: unknown = choose(error);
  while (isError(next) && chain.length <= maxCauses && !chain.includes(next)) {
    chain.push(next);
    next = choose(next.cause ?? clientCause(next));
  }
  return chain;
}

/** Returns the most informative error of several addresses. */
function deciding(error: unknown): unknown {
  if (!isAggregateError(error) || error.errors.length === 0) return error;
  return decidingError(error.errors);
}

/**
 * @internal Returns the error that decides when every address of a target, or every server of a pool, failed: the
 * last one of the highest rank. Errors that need human action rank highest, local errors lowest.
 */
export function decidingError(errors: readonly unknown[]): unknown {
  let found: unknown;
  let highest = -1;
  for (const error of errors) {
    const rank = rankOf(error);
    if (rank < highest) continue;
    found = error;
    highest = rank;
  }
  return found;
}

/** Reasons that originate in this process and say nothing about a peer. */
const ownReasons: ReadonlySet<string> = new Set(["canceled", "circuit_open", "pool_exhausted", "no_target"]);

function rankOf(error: unknown): number {
  if (isLocalRouteError(error)) return 0;
  const reason = classifyChain(plainCauses(error));
  if (ownReasons.has(reason)) return 1;
  // Failures that a retry can fix rank below the others.
  return reasonTable[reason as Reason].retry === "yes" ? 2 : 3;
}

/** Returns the chain of causes. Skips the errors of an AggregateError, which may reference each other. */
function plainCauses(error: unknown): readonly Error[] {
  return causesBy((each) => each, error);
}

function isLocalRouteError(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return code === "ENETUNREACH" || code === "EADDRNOTAVAIL";
}

function first<T>(chain: readonly Error[], find: (error: Error) => T | undefined): T | undefined {
  for (const error of chain) {
    const found = find(error);
    if (found !== undefined) return found;
  }
  return undefined;
}

function codeReason(error: Error): Reason | "canceled" | undefined {
  // Untyped code may set any reason, but the set is closed.
  if (error instanceof DialError) return Object.hasOwn(reasonTable, error.reason) ? error.reason : "_OTHER";
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (typeof code !== "string") return undefined;
  // The peer closed the connection during a handshake: Node reports a reset without a system call.
  if (code === "ECONNRESET" && syscall === undefined && /secure TLS/.test(error.message)) return "tls_closed";
  // The path of the unix socket does not exist.
  if (code === "ENOENT" && syscall === "connect") return "refused";
  return byCode.get(code) ?? byCodePattern.find(([pattern]) => pattern.test(code))?.[1];
}

function messageReason(error: Error): Reason | undefined {
  return byMessage.find(([pattern]) => pattern.test(error.message))?.[1];
}

function clientReason(error: Error): Reason | undefined {
  for (const { reasonOf } of clientRules) {
    const reason = reasonOf(error);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function clientCause(error: Error): unknown {
  for (const { causeOf } of clientRules) {
    const cause = causeOf?.(error);
    if (cause !== undefined) return cause;
  }
  return undefined;
}

function nameReason(error: Error): Reason | undefined {
  return clientReason(error) ?? byName.get(error.name);
}

/** `AbortSignal.timeout` causes an AbortError that differs from a user's abort only in its cause, checked above. */
function abortReason(chain: readonly Error[]): "canceled" | undefined {
  return chain.some((error) => error.name === "AbortError") ? "canceled" : undefined;
}

/** A `Map`, because an object inherits entries such as `constructor`. */
function table<R extends string>(rows: Readonly<Record<string, R>>): ReadonlyMap<string, R> {
  return new Map(Object.entries(rows));
}
