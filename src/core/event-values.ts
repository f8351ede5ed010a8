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

/** Fields of every `…Done` event. */
export interface Ended {
  readonly durationMs: number;
  readonly outcome: Outcome;
  /** The error; absent on success. */
  readonly error?: unknown;
  /** Present exactly when `outcome` is `"failure"`. */
  readonly reason?: Reason | undefined;
}

/** Description of a handshake's protocol and peer, for spans. */
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

/** States of a circuit breaker: it admits all dials, no dial, or one dial as a probe. */
export const breakerStates = ["closed", "open", "half_open"] as const;

/** State of a circuit breaker: one of {@link breakerStates}. */
export type BreakerState = (typeof breakerStates)[number];

/** Kinds of limits: of dials in progress, or of dials per second. */
export const limits = ["concurrency", "rate"] as const;

/** Kind of a limit: one of {@link limits}. */
export type Limit = (typeof limits)[number];
