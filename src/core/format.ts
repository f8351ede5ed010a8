import type { Address } from "./event-values.ts";
import { shownPath } from "./target.ts";

/** Formats an address as in logs and waterfalls: `10.0.0.1:5432`, `[::1]:5432`, `unix:/run/x.sock`. */
export function formatAddress({ address, port, family }: Address): string {
  if (family === "unix") return `unix:${shownPath(address)}`;
  return family === "ipv6" ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Formats a duration as `1.5 ms`, `204 ms` or `12.3 s`. */
export function formatDuration(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}
