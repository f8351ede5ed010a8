import type { ClientStats, ObservedClient } from "../client/client-trace.ts";
import { guarded } from "../support/user-call.ts";

const counted = ["inMsgs", "outMsgs", "inBytes", "outBytes"] as const satisfies readonly (keyof ClientStats)[];
const standing = [
  "configuredServers",
  "discoveredServers",
  "bufferedBytes",
] as const satisfies readonly (keyof ClientStats)[];

/** Where each of a client's own counts goes; clients of one name share it. */
export type StatsSeries = Readonly<Record<keyof ClientStats, (value: number) => unknown>>;

/** Brings what one client counts itself into series that it may share with others. */
export interface StatsReader {
  /** Adds what has changed since the last time. */
  read(): void;
  /** Takes back what the client still has, at its end; what it has counted stays. */
  takeBack(): void;
}

/** Reads from now on: what the client has counted before anyone looked is not ours to tell. */
export function statsReader(client: ObservedClient, series: StatsSeries): StatsReader {
  const statsNow = () => guarded("a client's stats()", () => client.stats());
  const first = statsNow();
  const told = {
    inMsgs: number(first?.inMsgs),
    outMsgs: number(first?.outMsgs),
    inBytes: number(first?.inBytes),
    outBytes: number(first?.outBytes),
    configuredServers: 0,
    discoveredServers: 0,
    bufferedBytes: 0,
  };
  const stand = (key: (typeof standing)[number], value: number) => {
    series[key](value - told[key]);
    told[key] = value;
  };
  return {
    read() {
      const now = statsNow();
      if (now === undefined) return;
      for (const key of counted) {
        const value = number(now[key]);
        if (value > told[key]) series[key](value - told[key]);
        told[key] = value;
      }
      for (const key of standing) stand(key, number(now[key]));
    },
    takeBack() {
      for (const key of standing) stand(key, 0);
    },
  };
}

/** A client in plain JavaScript may leave one out; a series that it shares must survive that. */
function number(value: number | undefined): number {
  return value !== undefined && Number.isFinite(value) ? value : 0;
}
