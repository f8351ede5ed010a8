import { openMetricsContentType } from "prom-client";
import type { DialAttributes } from "../engine/dial-attributes.ts";
import { checkedExemplar } from "./checked-exemplar.ts";
import { noError } from "./instrument.ts";
import { type InstrumentKey, instruments } from "./instruments.ts";
import type { Exemplar, KeptHistogram } from "./kept-histogram.ts";
import type { KeptGauge, SeriesLabels } from "./kept-metrics.ts";
import { promLabels } from "./prometheus-name.ts";
import { type AnyRegistry, metricsOf } from "./registry-metrics.ts";
import type { Add, Series, Sink } from "./sink.ts";

/** Reports whether a registry prints the OpenMetrics format, which alone has exemplars. */
export function isOpenMetrics(registry: AnyRegistry): boolean {
  return registry.contentType === openMetricsContentType;
}

/** Histograms observed while the span of the measured operation is active. */
const withExemplars: readonly InstrumentKey[] = ["dialDuration", "phaseDuration"];

/**
 * Returns the series of one owner (a dialer, pool or client), with its attributes, in a prom-client registry. Missing metrics are
 * created and start at zero: `rate()` does not see the first failure of a counter that appears with it.
 */
export function prometheusSink(registry: AnyRegistry, owner: DialAttributes, exemplar?: Exemplar): Sink {
  const metrics = metricsOf(registry);
  metrics.restore();
  const ownLabels = promLabels(owner);
  const checked = exemplar && checkedExemplar(exemplar);
  return {
    series(key, labels) {
      const metric = metrics.metric(instruments[key]);
      const values = { ...ownLabels, ...promLabels(labels as Record<string, string>) };
      const series =
        instruments[key].kind === "histogram"
          ? observeOf(metric as KeptHistogram, values, withExemplars.includes(key) ? checked : undefined)
          : metric.series(values, false);
      return series as Series<typeof key>;
    },
    earliest: (key, labels) =>
      (metrics.metric(instruments[key]) as KeptGauge).earliest({ ...ownLabels, ...promLabels({ ...labels }) }),
    beforeScrape(keys, collect) {
      for (const key of keys) metrics.beforeScrape(instruments[key], collect);
    },
    shared: (key, make) => metrics.shared.of(JSON.stringify([ownLabels, key]), make),
    restore: () => metrics.restore(),
  };
}

/** A histogram has some 17 series, so those of failures appear with the first failure. */
function observeOf(metric: KeptHistogram, labels: SeriesLabels, exemplar: Exemplar | undefined): Add {
  return metric.series(labels, (labels.error_type ?? noError) === noError, exemplar);
}
