import { formatAddress } from "../core/format.ts";
import type { ConnectDoneInfo, DialTrace } from "../core/trace.ts";
import type { DialRecord } from "../record/dial-record.ts";
import { messageOf } from "../support/message.ts";
import type { AddressFacts, FailurePlace, PhaseDurations } from "./facts.ts";
import type { Shown } from "./protocols/exchange.ts";

/** Hooks that keep the addresses and the results of the last attempt of one dial. */
export class Trail implements DialTrace {
  addresses: AddressFacts[] = [];
  /** Results of the last attempt's exchange with the server. */
  shown: Shown = {};
  /** Whether the connection to the proxy was made. */
  proxyReached = false;
  readonly #clean: (text: string) => string;

  /** @param clean - removes secrets from an error's message. */
  constructor(clean: (text: string) => string) {
    this.#clean = clean;
  }

  attemptStart(): void {
    this.addresses = [];
    this.shown = {};
    this.proxyReached = false;
  }

  connectDone({ address, outcome, reason, error, durationMs }: ConnectDoneInfo): void {
    if (this.proxyReached) return;
    this.addresses.push({
      address: formatAddress(address),
      family: address.family,
      outcome,
      reason,
      message: outcome === "failure" ? this.#clean(messageOf(error)) : undefined,
      durationMs,
    });
  }

  proxyStart(): void {
    this.proxyReached = true;
  }
}

/** Returns where a dial failed: at the proxy if the proxy was not reached or refused the credentials. */
export function failurePlace(record: DialRecord, viaProxy: boolean, reached: boolean): FailurePlace {
  if (record.outcome !== "failure") return { atProxy: false };
  const phase = lastFailed(record)?.phase;
  return { phase, atProxy: viaProxy && (!reached || record.reason === "proxy_auth") };
}

/**
 * Returns the durations of the phases of the last attempt. Connects overlap, so that their duration is from the first start
 * to the last end.
 */
export function durationsOf({ phases, attempts }: DialRecord): PhaseDurations {
  const durations: Record<string, number> = {};
  for (const kind of ["dns", "connect", "proxy", "tls", "handshake"] as const) {
    const own = phases.filter(({ phase, attempt }) => phase === kind && attempt === attempts);
    if (own.length === 0) continue;
    const ends = own.map(({ startMs, durationMs = 0 }) => startMs + durationMs);
    durations[kind] = Math.max(...ends) - Math.min(...own.map(({ startMs }) => startMs));
  }
  return durations;
}

function lastFailed({ phases }: DialRecord) {
  return phases.findLast(({ phase, outcome }) => outcome === "failure" && phase !== "attempt" && phase !== "wait");
}
