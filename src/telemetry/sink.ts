import type { InstrumentKey, instruments } from "./instruments.ts";

/** Adds to one series. */
export type Add = (value: number) => void;

/** Adds to one series of a gauge, and returns where it then stands. */
export type Level = (value: number) => number;

type Row<K extends InstrumentKey> = (typeof instruments)[K];

/** What adds to a series of one row of the table. */
export type Series<K extends InstrumentKey> = Row<K>["kind"] extends "gauge" ? Level : Add;

/** A value for each label of one row of the table. */
export type Labels<K extends InstrumentKey> = { readonly [L in keyof Row<K>["labels"]]: string };

/** Tells a moment under a name; what is shown is the earliest of those last told. */
export type TellMoment = (name: string, seconds: number) => void;

/**
 * Where what one dialer or client does is counted: a metrics library, and the owner's name. Owners of
 * one name share their series.
 */
export interface Sink {
  /** Finds one series, made anew where there is none, and started at zero where the library can. */
  series<K extends InstrumentKey>(key: K, labels: Labels<K>): Series<K>;
  /** Finds the one series of a gauge that shows a moment. It has no value before the first. */
  earliest(key: InstrumentKey): TellMoment;
  /** Has `collect` called before any of the instruments is read. */
  beforeScrape(keys: readonly InstrumentKey[], collect: () => void): void;
}

/** The value of a label for all that its set of values doesn't have. */
export const otherValue = "_OTHER";

/**
 * Makes what each of a label's values has. The set is closed at run time too: whatever else an adapter
 * in plain JavaScript makes up is `_OTHER`, whose series is made when first needed.
 */
export function byValue<K extends string, V>(values: readonly K[], make: (value: string) => V): (value: K) => V {
  const made = new Map<string, V>(values.map((value) => [value, make(value)]));
  const makeOther = () => {
    const other = make(otherValue);
    made.set(otherValue, other);
    return other;
  };
  return (value) => made.get(value) ?? made.get(otherValue) ?? makeOther();
}
