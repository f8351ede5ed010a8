import type { Address, Outcome } from "../core/event-values.ts";
import type { Reason } from "../core/reasons.ts";
import type { DialRecord, Phase } from "../record/dial-record.ts";
import type { Protocol } from "./cli-target.ts";

/** One address of a name, and how the connect to it ended. */
export interface AddressFacts {
  /** Such as `10.0.0.1:5432`. */
  readonly address: string;
  readonly family: Address["family"];
  /** `canceled` if another address connected first and this one was not tried separately afterwards. */
  readonly outcome: Outcome;
  readonly reason?: Reason | undefined;
  readonly message?: string | undefined;
  readonly durationMs: number;
}

/** One certificate of a chain. */
export interface Certificate {
  readonly subject: string;
  readonly issuer: string;
  /** Names and addresses that it is valid for. */
  readonly names: readonly string[];
  /** Milliseconds since the epoch. */
  readonly validFrom: number;
  /** Milliseconds since the epoch. */
  readonly validTo: number;
  /** SHA-256 of the certificate, in hexadecimal with colons. */
  readonly fingerprint: string;
}

/** A TLS handshake. */
export interface TlsFacts {
  readonly protocol: string;
  readonly cipher: string;
  readonly alpn?: string | undefined;
  /** The server's certificate first. */
  readonly chain: readonly Certificate[];
  /** `false` if the chain was read by a second handshake, because the dial had rejected it. */
  readonly verified: boolean;
}

/** The answer to an HTTP request. */
export interface HttpFacts {
  readonly status: number;
  /** Header `server`. */
  readonly server?: string | undefined;
  /** Header `location`, for a redirect. */
  readonly location?: string | undefined;
  /** Milliseconds from the request to the head of the answer. */
  readonly firstByteMs: number;
}

/** Identity and requirements of a NATS server, from its INFO and a PING. */
export interface NatsFacts {
  readonly name?: string | undefined;
  readonly version?: string | undefined;
  readonly cluster?: string | undefined;
  readonly tlsRequired: boolean;
  readonly authRequired: boolean;
  readonly lameDuck: boolean;
  /** Servers of the cluster that INFO names. */
  readonly servers: number;
  /** Milliseconds from a PING to its PONG, after CONNECT. */
  readonly rttMs?: number | undefined;
}

/** Behavior of a connection after the dial, while the command sent nothing. */
export interface AfterFacts {
  readonly event: "banner" | "silence" | "closed" | "reset";
  /** The first bytes of a server that sends first, as printable text without secrets; else empty. */
  readonly banner: string;
}

/** Where a dial failed: the phase, and whether the phase was with the proxy. */
export interface FailurePlace {
  readonly phase?: Phase | undefined;
  readonly atProxy: boolean;
}

/** Durations of the last attempt's phases in milliseconds; a phase that did not run is missing. */
export type PhaseDurations = { readonly [P in Exclude<Phase, "attempt" | "wait">]?: number | undefined };

/** All facts about one dial, from which the verdict is derived. */
export interface Evidence {
  readonly target: string;
  readonly protocol: Protocol;
  readonly outcome: Outcome;
  /** Present exactly when `outcome` is `"failure"`. */
  readonly reason?: Reason | undefined;
  readonly durationMs: number;
  readonly attempts: number;
  readonly phases: PhaseDurations;
  readonly failedIn: FailurePlace;
  /** Addresses of the target; empty if a proxy dials it. */
  readonly addresses: readonly AddressFacts[];
  /** The proxy's scheme, host and port. */
  readonly proxy?: string | undefined;
  /** Kind of the credentials for the target; `undefined` without any. */
  readonly offered?: "password" | "token" | "creds" | "nkey" | undefined;
  readonly tls?: TlsFacts | undefined;
  readonly http?: HttpFacts | undefined;
  readonly nats?: NatsFacts | undefined;
  readonly after?: AfterFacts | undefined;
}

/** The result of one dial. */
export interface Probe extends Evidence {
  /** Start by the wall clock, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** Message of the error, without secrets; empty if the dial did not fail. */
  readonly message: string;
  readonly record: DialRecord;
}
