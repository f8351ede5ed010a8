import type { ExitCode } from "./exit-codes.ts";
import type { AddressFacts, Probe } from "./facts.ts";
import type { Summary } from "./tally.ts";

/** Returns a dial as the object of one line. */
export function dialObject(probe: Probe): object {
  const { record: _record, startedAt, failedIn, addresses, message, target, protocol, ...rest } = probe;
  return {
    type: "dial",
    target,
    protocol,
    startedAt: new Date(startedAt).toISOString(),
    ...rest,
    message: message === "" ? undefined : message,
    failedPhase: failedIn.phase,
    failedAtProxy: failedIn.atProxy || undefined,
    addresses: addresses.map(({ address, family, outcome, reason, message, durationMs }: AddressFacts) => ({
      address,
      family,
      outcome,
      reason,
      message,
      durationMs,
    })),
    tls: probe.tls && {
      ...probe.tls,
      chain: probe.tls.chain.map((each) => ({
        ...each,
        validFrom: new Date(each.validFrom).toISOString(),
        validTo: new Date(each.validTo).toISOString(),
      })),
    },
  };
}

/** Returns the description of a dialer as the object of one line. */
export function explainObject(target: string, description: string): object {
  return { type: "explain", target, description };
}

/** Returns the verdict of single dials as the object of one line. */
export function verdictObject(verdict: string, exitCode: ExitCode): object {
  return { type: "verdict", verdict, exitCode };
}

/** Returns the summary of one target as the object of one line. */
export function summaryObject(target: string, summary: Summary): object {
  return { type: "summary", target, ...summary, reasons: Object.fromEntries(summary.reasons) };
}

/** Writes an object on one line, with durations rounded to microseconds. */
export function jsonLine(value: object): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    typeof each === "number" && !Number.isInteger(each) ? Math.round(each * 1000) / 1000 : each,
  );
}
