import type { Duplex } from "node:stream";
import type { Middleware } from "../core/dialer.ts";
import { layer, type Run } from "../engine/context.ts";
import type { DialAttributes } from "../engine/dial-attributes.ts";
import { observing } from "../engine/observe.ts";
import type { Place } from "../support/observed-places.ts";
import { guarded } from "../support/user-call.ts";
import { type DialerMetrics, dialerMetrics } from "./dialer-metrics.ts";
import type { OwnAttributes } from "./own-attributes.ts";
import type { Sink } from "./sink.ts";

/** Settings of one layer that measures. */
export interface MeasuredDialer {
  readonly own: OwnAttributes;
  readonly endpoints: readonly string[];
  readonly place: Place;
  /** The metrics library, in warnings. */
  readonly library: string;
  /** Returns the sink of series with these attributes; `undefined` while the application has no metrics library. */
  readonly sinkOf: (attributes: DialAttributes) => Sink | undefined;
}

/** Measures the dials of one layer, with separate series for each combination of their own attributes. */
export function measured({ own, endpoints, place, library, sinkOf }: MeasuredDialer): Middleware {
  // Compositions that contain the same layer share its metrics.
  const byKey = new Map<string, DialerMetrics>();
  const metricsOf = (attributes: DialAttributes) => {
    const key = own.keyOf(attributes);
    const existing = byKey.get(key);
    if (existing !== undefined) return existing;
    const [dialer, dials] = [sinkOf(own.fixed), sinkOf(attributes)];
    if (dialer === undefined || dials === undefined) return undefined;
    const made = dialerMetrics({ dialer, dials, endpoints });
    byKey.set(key, made);
    return made;
  };

  return layer(
    <C extends Duplex>(next: Run<C>, { emits }: { readonly emits: Parameters<DialerMetrics["start"]>[0] }): Run<C> => {
      const runs = new Map<string, Run<C>>();
      const make = (attributes: DialAttributes): Run<C> | undefined =>
        guarded(library, () => {
          const metrics = metricsOf(attributes);
          if (metrics === undefined) return undefined;
          metrics.start(emits);
          const run = observing(metrics.hooks)(next);
          runs.set(own.keyOf(attributes), run);
          return run;
        });
      const made = own.combinations.map(make);
      // All dials have the same series.
      if (own.names.length === 0 && made[0] !== undefined) return made[0];
      return function measuredDialer(target, context) {
        const run = runs.get(own.keyOf(context.attributes)) ?? make(own.of(context.attributes));
        return (run ?? next)(target, context);
      };
    },
    {
      factory: place.factory,
      observes: true,
      place,
      attributes: own.names,
      options: () => ({ name: place.name, ...own.fixed }),
    },
  );
}
