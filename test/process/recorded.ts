import type { DialEventInfo, DialEventName, DialTrace } from "../../src/core/trace.ts";
import { dialEventNames } from "../../src/core/trace.ts";

/** One event, with its name and fields. */
export type Recorded = { readonly event: DialEventName } & Partial<
  Omit<DialEventInfo<"dnsDone"> & DialEventInfo<"connectDone"> & DialEventInfo<"tlsHandshakeDone">, "target">
> & { readonly target?: unknown; readonly bytesRead?: number; readonly bytesWritten?: number };

/** Hooks that record every event, in order. */
export function recorder() {
  const events: Recorded[] = [];
  const hooks: DialTrace = Object.fromEntries(
    dialEventNames.map((event) => [event, (info: object) => void events.push({ event, ...info } as Recorded)]),
  );
  return {
    hooks,
    events: events as readonly Recorded[],
    /** The names of the events so far. */
    names: () => events.map(({ event }) => event),
    /** The events of one name. */
    of: (name: DialEventName) => events.filter(({ event }) => event === name),
  };
}

/** The events of a successful TCP connect to an IP literal, in order. */
export const literalConnect: readonly DialEventName[] = [
  "dialStart",
  "attemptStart",
  "connectStart",
  "connectDone",
  "attemptDone",
  "dialDone",
];
