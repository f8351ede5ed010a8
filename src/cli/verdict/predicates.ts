import type { Reason } from "../../core/reasons.ts";
import type { Evidence } from "../facts.ts";

/** Wording of a reason in a verdict. */
export interface Predicate {
  /** Predicate for one target, such as `refuses the connection`. */
  readonly one: string;
  /** Predicate for several targets, such as `refuse the connection`. */
  readonly many: string;
  /**
   * Shorter forms of `one` and `many` after another group of targets, such as `is down` and `are down`. @defaultValue `one`
   * and `many`
   */
  readonly brief?: readonly [string, string];
  /** Likely cause if a single target fails, or if all failed targets have this reason. */
  readonly cause: string;
  /** Likely cause if other targets answer. @defaultValue `cause` */
  readonly causeOfSome?: string;
  /** Likely cause if two or more targets were dialed and all fail for this reason. @defaultValue `cause` */
  readonly causeOfAll?: string;
  /**
   * Priority among different reasons: the verdict gives the cause of the highest. Lasting problems rank above transient
   * ones.
   */
  readonly rank: number;
}

/** The predicates of all reasons. A missing reason is a type error. */
const predicates: Readonly<Record<Reason, Predicate>> = {
  auth_failed: {
    one: "refuses the credentials",
    many: "refuse the credentials",
    cause: "it is the user, password or token",
    causeOfSome: "it is the account on that server, not the password",
    rank: 9,
  },
  auth_expired: {
    one: "says that the credentials have expired",
    many: "say that the credentials have expired",
    cause: "they must be renewed",
    rank: 9,
  },
  tls_cert_expired: {
    one: "has an expired certificate",
    many: "have expired certificates",
    cause: "it must be renewed, or this host's clock is wrong",
    causeOfSome: "it is the renewal on that server",
    causeOfAll: "it is the renewal of certificates, or this host's clock",
    rank: 8,
  },
  tls_cert_untrusted: {
    one: "has a certificate that is not trusted",
    many: "have certificates that are not trusted",
    cause: "its authority is unknown here; give it with --ca",
    causeOfSome: "it is that server's certificate",
    causeOfAll: "their authority is unknown here; give it with --ca",
    rank: 8,
  },
  tls_hostname: {
    one: "has a certificate for another name",
    many: "have certificates for other names",
    cause: "use a name of the certificate, or give it with --servername",
    rank: 8,
  },
  tls_client_cert: {
    one: "wants a client certificate that it accepts",
    many: "want a client certificate that they accept",
    cause: "give one with --cert and --key",
    rank: 8,
  },
  tls_protocol: {
    one: "does not speak TLS that this client accepts",
    many: "do not speak TLS that this client accepts",
    cause: "it is the port (plain text?), the TLS version or the ciphers",
    rank: 7,
  },
  proxy_auth: {
    one: "is not dialed because the proxy refuses the credentials",
    many: "are not dialed because the proxy refuses the credentials",
    cause: "it is the proxy's password",
    rank: 9,
  },
  proxy_rejected: {
    one: "is not reached by the proxy, which answers",
    many: "are not reached by the proxy, which answers",
    cause: "the target is down for the proxy, or its rules forbid it",
    causeOfAll: "it is the proxy's rules or network",
    rank: 4,
  },
  config: {
    one: "cannot be dialed with these options",
    many: "cannot be dialed with these options",
    cause: "it is an option or a file",
    rank: 10,
  },
  access_denied: {
    one: "is not permitted to be dialed by this process",
    many: "are not permitted to be dialed by this process",
    cause: "it is a local firewall, or the rights of the socket's file",
    rank: 6,
  },
  local_resource: {
    one: "is not dialed because this host has no free port, file or memory",
    many: "are not dialed because this host has no free port, file or memory",
    cause: "it is this host",
    rank: 6,
  },
  server_limit: {
    one: "has no room for another connection",
    many: "have no room for another connection",
    cause: "it is the server's limit, or clients that leak connections",
    rank: 5,
  },
  protocol: {
    one: "does not speak the protocol",
    many: "do not speak the protocol",
    cause: "another service listens on the port",
    rank: 5,
  },
  dns_not_found: {
    one: "is not found in the DNS",
    many: "are not found in the DNS",
    cause: "it is the name, or this host's search domain",
    causeOfSome: "it is that name",
    causeOfAll: "it is the domain or this host's resolver",
    rank: 4,
  },
  dns_temporary: {
    one: "is not resolved, the resolver fails",
    many: "are not resolved, the resolver fails",
    cause: "it is the DNS",
    causeOfSome: "it is that zone's name servers",
    causeOfAll: "it is this host's resolver",
    rank: 4,
  },
  timeout: {
    one: "does not answer",
    many: "do not answer",
    cause: "the host is down, or a firewall drops the packets",
    causeOfSome: "it is that host or the way to it",
    causeOfAll: "it is the network or a firewall before them",
    rank: 3,
  },
  unreachable: {
    one: "is unreachable",
    many: "are unreachable",
    cause: "no route leads there",
    causeOfSome: "it is that host or the route to it",
    causeOfAll: "it is this host's network",
    rank: 3,
  },
  refused: {
    one: "refuses the connection",
    many: "refuse the connection",
    brief: ["is down", "are down"],
    cause: "the host is up and nothing listens on the port",
    causeOfSome: "the service does not run there",
    causeOfAll: "the service does not run, or the port is wrong",
    rank: 2,
  },
  reset: {
    one: "resets the connection",
    many: "reset the connection",
    cause: "it is the server, or a firewall in between",
    rank: 3,
  },
  tls_closed: {
    one: "closes the connection during the TLS handshake",
    many: "close the connection during the TLS handshake",
    cause: "nothing that speaks TLS for this name is behind the port",
    rank: 4,
  },
  handshake_closed: {
    one: "closes the connection before it answers",
    many: "close the connection before they answer",
    cause: "it shuts down, or a load balancer has no server behind it",
    rank: 3,
  },
  circuit_open: { one: "is not dialed", many: "are not dialed", cause: "its circuit breaker is open", rank: 1 },
  pool_exhausted: { one: "is not dialed", many: "are not dialed", cause: "its pool is full", rank: 1 },
  no_target: { one: "is not dialed", many: "are not dialed", cause: "there is no target", rank: 1 },
  _OTHER: { one: "fails", many: "fail", cause: "the message says more", rank: 0 },
};

/** Wording of refused credentials, by the kind that was offered. */
const refusals: Readonly<Record<NonNullable<Evidence["offered"]> | "nothing", readonly [string, string]>> = {
  password: ["refuse the password", "it is the password"],
  token: ["refuse the token", "it is the token"],
  creds: ["refuse the .creds file", "its user or account is unknown, revoked or expired"],
  nkey: ["refuse the nkey", "its user is unknown"],
  nothing: ["want credentials", "give them with --user, --token, --creds or --nkey"],
};

/** A certificate whose validity has not begun has the same reason as one that has expired. */
const notYetValid: Predicate = {
  one: "has a certificate that is not valid yet",
  many: "have certificates that are not valid yet",
  cause: "this host's clock is behind, or it was issued too early",
  rank: 8,
};

/**
 * Returns the wording of a failed dial.
 *
 * @param now - milliseconds since the epoch.
 */
export function predicateOf({ reason = "_OTHER", offered, tls }: Evidence, now: number): Predicate {
  if (reason === "tls_cert_expired" && tls?.chain.some(({ validFrom }) => validFrom > now)) return notYetValid;
  const predicate = predicates[reason];
  if (reason !== "auth_failed") return predicate;
  const [many, cause] = refusals[offered ?? "nothing"];
  const one = many.replace(/^\w+/, "$&s");
  return offered === undefined ? { one, many, cause, rank: predicate.rank } : { ...predicate, one, many, cause };
}
