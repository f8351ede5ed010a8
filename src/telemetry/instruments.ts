import { clientInstruments } from "./client-instruments.ts";
import { dialerInstruments } from "./dialer-instruments.ts";
import type { Instrument } from "./instrument.ts";
import { poolInstruments } from "./pool-instruments.ts";

/** The table of all metrics. */
export const instruments = {
  ...dialerInstruments,
  ...poolInstruments,
  ...clientInstruments,
} as const satisfies Record<string, Instrument>;

/** Key of one row of {@link instruments}. */
export type InstrumentKey = keyof typeof instruments;
