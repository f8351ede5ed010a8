import type { Reason } from "./reasons.ts";

/** A resolved address: an IP and port, or a unix socket's path. */
export interface Address {
  /** IP literal, or the socket's path. */
  readonly address: string;
  /** 0 for a unix socket. */
  readonly port: number;
  readonly family: "ipv4" | "ipv6" | "unix";
}

/** How a dial, attempt or phase ended. A caller's abort is neither success nor failure. */
export type Outcome = "success" | "failure" | "canceled";

/** What every `…Done` hook tells. */
export interface Ended {
  readonly durationMs: number;
  readonly outcome: Outcome;
  /** What was thrown; absent on success. */
  readonly error?: unknown;
  /** Present exactly when `outcome` is `"failure"`. */
  readonly reason?: Reason | undefined;
}

/** What a protocol's handshake says of itself and its peer, for spans. */
export interface ProtocolInfo {
  /** `network.protocol.name`, such as `nats`. */
  readonly name: string;
  /** Attributes of the peer under their span names, such as `nats.server.name`. No secrets. */
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
}

/** Why a connection closed. */
export const closeReasons = [
  "local",
  "remote",
  "reset",
  "timeout",
  "idle",
  "max_lifetime",
  "stale",
  "drain",
  "unhealthy",
  "error",
] as const;

/** Why a connection closed: one of {@link closeReasons}. */
export type CloseReason = (typeof closeReasons)[number];

/** Why a retrying dial gave up. */
export const exhaustedCauses = ["attempts", "deadline", "budget", "non_retryable"] as const;

/** Why a retrying dial gave up: one of {@link exhaustedCauses}. */
export type ExhaustedCause = (typeof exhaustedCauses)[number];

/** What a circuit breaker may be: it lets dials pass, lets none, or lets one through to see. */
export const breakerStates = ["closed", "open", "half_open"] as const;

/** What a circuit breaker may be: one of {@link breakerStates}. */
export type BreakerState = (typeof breakerStates)[number];

/** What bounds how many dials there are: at once, or in a time. */
export const limits = ["concurrency", "rate"] as const;

/** What bounds how many dials there are: one of {@link limits}. */
export type Limit = (typeof limits)[number];
