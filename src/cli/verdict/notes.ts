import { formatDuration } from "../../core/format.ts";
import type { Certificate, Evidence, PhaseDurations } from "../facts.ts";
import { addressesSentence } from "./addresses.ts";

const dayMs = 24 * 60 * 60_000;
/** Maximum number of days until a certificate expires for which a note is made. */
const soonDays = 14;
/** Minimum share of a dial's duration for a phase to be named as the main one. */
const mainShare = 0.6;
/** Minimum duration of a slow dial, in milliseconds. */
const slowMs = 1_000;

/** Returns notes about a successful dial, most urgent first. */
export function notesOf(evidence: Evidence, now: number): readonly string[] {
  return [
    addressesSentence(evidence),
    closedNote(evidence),
    statusNote(evidence),
    expiryNote(evidence, now),
    evidence.nats?.lameDuck ? "the server is about to shut down (lame duck mode)" : undefined,
    evidence.attempts > 1 ? `only attempt ${evidence.attempts} succeeded` : undefined,
    slowNote(evidence),
  ].filter((note) => note !== undefined);
}

function closedNote({ after }: Evidence): string | undefined {
  if (after?.event !== "closed" && after?.event !== "reset") return undefined;
  const does = after.event === "closed" ? "closes" : "resets";
  return `the peer ${does} the connection at once: a proxy or a port mapping with nothing behind it, or a list of allowed clients`;
}

function statusNote({ http, offered }: Evidence): string | undefined {
  if (http === undefined || http.status < 400) return undefined;
  if (http.status === 401 || http.status === 403)
    return `it answers ${http.status}: it wants ${offered === undefined ? "" : "other "}credentials`;
  const cause = http.status >= 500 ? "it is the service, not the connection" : "it is the request, not the connection";
  return `it answers ${http.status}: ${cause}`;
}

/** Returns a note about the first certificate to expire. For a short-lived one, the limit is a third of its lifetime. */
function expiryNote({ tls }: Evidence, now: number): string | undefined {
  const isSoon = ({ validFrom, validTo }: Certificate) =>
    validTo - now <= Math.min(soonDays * dayMs, (validTo - validFrom) / 3);
  const [first] = (tls?.chain ?? []).filter(isSoon).sort((a, b) => a.validTo - b.validTo);
  if (first === undefined) return undefined;
  const whose = first === tls?.chain[0] ? "its certificate" : `the certificate ${first.subject} of its chain`;
  return `${whose} expires ${inDays(first.validTo - now)}`;
}

/** Returns a time relative to now, such as `in 3 days`, `in 5 hours` or `2 days ago`. */
export function inDays(leftMs: number): string {
  const size = Math.abs(leftMs);
  const [count, unit] = size >= dayMs ? [Math.floor(size / dayMs), "day"] : [Math.floor(size / 3_600_000), "hour"];
  const text = `${count} ${unit}${count === 1 ? "" : "s"}`;
  return leftMs < 0 ? `${text} ago` : `in ${text}`;
}

/** Returns a note that names the main phase of a slow dial. */
function slowNote({ durationMs, phases }: Evidence): string | undefined {
  if (durationMs < slowMs) return undefined;
  const main = mainPhase(phases, durationMs);
  return main === undefined ? "it is slow" : `it is slow: ${main}`;
}

const phaseWords: Readonly<Record<keyof PhaseDurations, string>> = {
  dns: "the DNS",
  connect: "the connect",
  proxy: "the proxy",
  tls: "the TLS handshake",
  handshake: "the server's answer",
};

/** Returns the phase that takes most of a dial, with its duration; `undefined` if none does. */
export function mainPhase(phases: PhaseDurations, durationMs: number): string | undefined {
  for (const [phase, ms] of Object.entries(phases)) {
    if (ms !== undefined && ms >= mainShare * durationMs) {
      return `${phaseWords[phase as keyof PhaseDurations]} takes ${formatDuration(ms)} of ${formatDuration(durationMs)}`;
    }
  }
  return undefined;
}
