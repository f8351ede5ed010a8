import type { ClientStats, ObservedClient } from "../client/client-trace.ts";
import { guarded } from "../support/user-call.ts";

/** Totals that only grow. */
const counted = [
  "inMsgs",
  "outMsgs",
  "inBytes",
  "outBytes",
  "dropped",
  "unconfirmed",
] as const satisfies readonly (keyof ClientStats)[];
/** Current levels. */
const levels = [
  "configuredServers",
  "discoveredServers",
  "bufferedBytes",
] as const satisfies readonly (keyof ClientStats)[];

/** The series of each statistic. Clients with the same name share them. */
export type StatsSeries = Readonly<Record<(typeof counted | typeof levels)[number], (value: number) => unknown>>;

/** Copies one client's statistics into series that it may share with other clients. */
export interface StatsReader {
  /** Adds the changes since the last call. Returns the statistics, if they could be read. */
  read(): ClientStats | undefined;
  /** Subtracts the client's levels when it ends. Its totals stay. */
  reset(): void;
}

/** Creates a reader whose totals begin at the client's current values. */
export function statsReader(client: ObservedClient, series: StatsSeries): StatsReader {
  const statsNow = () => guarded("a client's stats()", () => client.stats());
  const first = statsNow();
  const reported = {
    inMsgs: number(first?.inMsgs),
    outMsgs: number(first?.outMsgs),
    inBytes: number(first?.inBytes),
    outBytes: number(first?.outBytes),
    dropped: number(first?.dropped),
    unconfirmed: number(first?.unconfirmed),
    configuredServers: 0,
    discoveredServers: 0,
    bufferedBytes: 0,
  };
  const setLevel = (key: (typeof levels)[number], value: number) => {
    series[key](value - reported[key]);
    reported[key] = value;
  };
  return {
    read() {
      const now = statsNow();
      if (now === undefined) return undefined;
      for (const key of counted) {
        const value = number(now[key]);
        if (value > reported[key]) series[key](value - reported[key]);
        reported[key] = value;
      }
      for (const key of levels) setLevel(key, number(now[key]));
      return now;
    },
    reset() {
      for (const key of levels) setLevel(key, 0);
    },
  };
}

/** Treats a missing or non-finite statistic as 0, so that it does not break a shared series. */
function number(value: number | undefined): number {
  return value !== undefined && Number.isFinite(value) ? value : 0;
}
