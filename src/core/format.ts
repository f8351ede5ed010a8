import { shownPath } from "./target.ts";
import type { Address } from "./trace.ts";

/** An address as logs and waterfalls show it: `10.0.0.1:5432`, `[::1]:5432`, `unix:/run/x.sock`. */
export function formatAddress({ address, port, family }: Address): string {
  if (family === "unix") return `unix:${shownPath(address)}`;
  return family === "ipv6" ? `[${address}]:${port}` : `${address}:${port}`;
}

/** A duration for people: `1.5 ms`, `204 ms`, `12.3 s`. */
export function formatDuration(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}
