import { maxTimerMs } from "../support/validate.ts";
import { UsageError } from "./usage-error.ts";

const units: Readonly<Record<string, number>> = { "": 1_000, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * Reads a time such as `5`, `0.5s`, `500ms` or `2m`; a bare number is in seconds, as for ping.
 *
 * @param minMs - the least time, in milliseconds.
 * @returns milliseconds.
 * @throws UsageError naming the option.
 */
export function readTime(option: string, text: string, minMs: number): number {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  const ms = Number(number) * (units[unit] ?? Number.NaN);
  if (!(ms >= minMs && ms <= maxTimerMs)) {
    throw new UsageError(`--${option} must be a time of at least ${minMs} ms, such as 500ms, 5s or 2m`);
  }
  return ms;
}

/**
 * Reads a whole number.
 *
 * @throws UsageError naming the option.
 */
export function readCount(option: string, text: string, min: number): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count >= min)) throw new UsageError(`--${option} must be a whole number from ${min} to 999999999`);
  return count;
}

/** Where a server listens. */
export interface ListenAddress {
  readonly host: string;
  /** 0 to 65535; 0 chooses a free port. */
  readonly port: number;
}

/**
 * Reads `[host:]port`; the host is `127.0.0.1` if it is left out.
 *
 * @throws UsageError naming the option.
 */
export function readListenAddress(option: string, text: string): ListenAddress {
  const [, bracketed, name, digits] = /^(?:(?:\[([^\]]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) {
    throw new UsageError(`--${option} must be a port from 0 to 65535, or host:port`);
  }
  return { host: bracketed ?? name ?? "127.0.0.1", port };
}
