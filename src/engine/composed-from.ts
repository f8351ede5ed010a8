import type { Duplex } from "node:stream";
import type { Dialer } from "../core/dialer.ts";
import { compose } from "./compose.ts";
import { layerOf } from "./layer-info.ts";

/** Compositions of bare dialers, so that composing takes place once. */
const compositions = new WeakMap<object, unknown>();

/** Returns a dialer whose dials are observed and fail with a `DialError`: a bare base dialer has neither. */
export function composedFrom<C extends Duplex>(dialer: Dialer<C>): Dialer<C> {
  if (layerOf(dialer)?.isComposition === true) return dialer;
  const composed = (compositions.get(dialer) as Dialer<C> | undefined) ?? compose(dialer);
  compositions.set(dialer, composed);
  return composed;
}
