import type { InstrumentKey, instruments } from "./instruments.ts";
import type { Timestamps } from "./timestamps.ts";

/** Adds to one series. */
export type Add = (value: number) => void;

/** Adds to one series of a gauge, and returns the new level. */
export type Level = (value: number) => number;

type Row<K extends InstrumentKey> = (typeof instruments)[K];

/** The function that adds to a series of one row of the table. */
export type Series<K extends InstrumentKey> = Row<K>["kind"] extends "gauge" ? Level : Add;

/** A value for each label of one row of the table. */
export type Labels<K extends InstrumentKey> = { readonly [L in keyof Row<K>["labels"]]: string };

/**
 * The series of one owner (a dialer, pool or client) in a metrics library. Owners with the same name share their
 * series.
 */
export interface Sink {
  /** Returns one series. It is created if missing, and starts at zero where the library supports that. */
  series<K extends InstrumentKey>(key: K, labels: Labels<K>): Series<K>;
  /** Returns what all observers of this owner share, which `make` creates on first use. */
  shared<T>(key: string, make: () => T): T;
  /** Returns the timestamps of which a gauge shows the earliest. It has no value before the first. */
  earliest<K extends InstrumentKey>(key: K, labels: Labels<K>): Timestamps;
  /** Calls `collect` before any of the instruments is read. */
  beforeScrape(keys: readonly InstrumentKey[], collect: () => void): void;
  /** Exposes the metrics again, if the application has removed all of them. Called before each dial. */
  restore(): void;
}

/** Label value for everything outside a label's set of values. */
export const otherValue = "_OTHER";

/**
 * Returns the lookup of one entry for each value of a label, which is made when first needed. Any other value, as an
 * adapter in plain JavaScript may report, shares the entry of `_OTHER`.
 */
export function byValue<K extends string, V>(values: readonly K[], make: (value: string) => V): (value: K) => V {
  const known = new Set<string>(values);
  const made = new Map<string, V>();
  const makeFor = (value: string) => {
    const key = known.has(value) ? value : otherValue;
    const entry = made.get(key) ?? make(key);
    made.set(key, entry);
    return entry;
  };
  return (value) => made.get(value) ?? makeFor(value);
}

/** As {@link byValue}, with the entries of all values made at once. */
export function byEachValue<K extends string, V>(values: readonly K[], make: (value: string) => V): (value: K) => V {
  const lookup = byValue(values, make);
  for (const value of values) lookup(value);
  return lookup;
}

/** Returns a function that makes its result when first called. */
export function lazily<V>(make: () => V): () => V {
  let made: V | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
