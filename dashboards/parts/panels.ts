import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import * as common from "@grafana/grafana-foundation-sdk/common";
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import * as heatmap from "@grafana/grafana-foundation-sdk/heatmap";
import * as stat from "@grafana/grafana-foundation-sdk/stat";
import * as statetimeline from "@grafana/grafana-foundation-sdk/statetimeline";
import * as table from "@grafana/grafana-foundation-sdk/table";
import * as timeseries from "@grafana/grafana-foundation-sdk/timeseries";
import type { Colours } from "./colours.ts";
import { datasource, type Query, targets } from "./query.ts";

export type Panel = Builder<dashboard.Panel>;

/** Grafana's identifiers for a plain number, a ratio, seconds, operations per second, bytes, and bytes per second. */
type Unit = "short" | "percentunit" | "s" | "ops" | "bytes" | "Bps";

interface PanelOptions {
  readonly title: string;
  /** What the panel shows, and how to read it. */
  readonly description: string;
  readonly unit: Unit;
  readonly queries: readonly Query[];
  /** Width in columns; a dashboard has 24. @defaultValue 8; for a stat 4 */
  readonly width?: number;
  /** Height in units of 30 pixels. @defaultValue 8; for a stat 5 */
  readonly height?: number;
}

/** Thresholds: a base colour, then values with the colour that applies from there upwards. */
export type Steps = readonly [string, ...(readonly [number, string])[]];

/** A graph over time, as lines, stacked areas, or bars for single events. */
export function graph(
  options: PanelOptions & {
    readonly shape?: "lines" | "stacked" | "bars";
    readonly colours?: Colours;
    /** Shows exemplars, which link to traces of single dials. */
    readonly exemplars?: boolean;
    readonly max?: number;
    /** Legend of the query that is drawn as a dashed limit line. */
    readonly bound?: string;
  },
): Panel {
  const { shape = "lines", colours = {}, exemplars = false, max, bound } = options;
  const panel = dress(new timeseries.PanelBuilder(), options, 8)
    .targets(targets(options.queries, exemplars ? "exemplars" : "range"))
    .min(0)
    .lineWidth(1)
    .fillOpacity(shape === "lines" ? 5 : shape === "stacked" ? 40 : 90)
    .showPoints(common.VisibilityMode.Auto)
    .spanNulls(false)
    .legend(
      new common.VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(common.LegendDisplayMode.List)
        .placement(common.LegendPlacement.Bottom),
    )
    .tooltip(
      new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending),
    );
  if (shape !== "lines") panel.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group("A"));
  if (shape === "bars") panel.drawStyle(common.GraphDrawStyle.Bars);
  if (max !== undefined) panel.max(max);
  for (const [value, colour] of Object.entries(colours)) {
    panel.overrideByName(value, [{ id: "color", value: { mode: "fixed", fixedColor: colour } }]);
  }
  return bound === undefined ? panel : panel.overrideByName(bound, limitLine);
}

/** Draws a series as a dashed line that is not stacked. */
const limitLine = [
  { id: "custom.stacking", value: { mode: common.StackingMode.None, group: "A" } },
  { id: "custom.fillOpacity", value: 0 },
  { id: "custom.lineStyle", value: { fill: "dash", dash: [10, 10] } },
];

/** One or more numbers, coloured by thresholds. */
export function number(options: PanelOptions & { readonly steps?: Steps; readonly noValue?: string }): Panel {
  const { steps = ["blue"], noValue } = options;
  const panel = dress(new stat.PanelBuilder(), options, 4, 5)
    .targets(targets(options.queries, "instant"))
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(["lastNotNull"]))
    .graphMode(common.BigValueGraphMode.None)
    .colorMode(common.BigValueColorMode.Value)
    .thresholds(thresholds(steps));
  return noValue === undefined ? panel : panel.noValue(noValue);
}

/** A heatmap of a histogram. The query returns its buckets by `le`. */
export function heat(options: PanelOptions): Panel {
  return dress(new heatmap.PanelBuilder(), options, 8)
    .targets(targets(options.queries, "heatmap"))
    .yAxis(new heatmap.YAxisConfigBuilder().unit("s"))
    .color(new heatmap.HeatmapColorOptionsBuilder().mode(heatmap.HeatmapColorMode.Scheme).scheme("Spectral").steps(64))
    .cellGap(1)
    .showLegend();
}

/** A state timeline for each series. The values are positions in `states`, counted from 1. */
export function timeline(options: Omit<PanelOptions, "unit"> & { readonly states: Colours }): Panel {
  const shown = Object.entries(options.states).map(([text, color], index) => [String(index + 1), { text, color }]);
  return dress(new statetimeline.PanelBuilder(), { ...options, unit: "short" }, 24)
    .targets(targets(options.queries, "range"))
    .mappings([{ type: dashboard.MappingType.ValueToText, options: Object.fromEntries(shown) }])
    .showValue(common.VisibilityMode.Auto)
    .mergeValues(true)
    .fillOpacity(70)
    .legend(new common.VizLegendOptionsBuilder().showLegend(true).placement(common.LegendPlacement.Bottom));
}

/** A table of dialers, ordered by a value, with links to their dashboards. */
export function ranking(
  options: PanelOptions & { readonly value: string; readonly steps: Steps; readonly leadsTo: string },
): Panel {
  const url = `/d/${options.leadsTo}?\${datasource:queryparam}&var-job=\${__data.fields.job}&var-dialer_name=\${__data.fields.dialer_name}&\${__url_time_range}`;
  return dress(new table.PanelBuilder(), options, 8)
    .targets(targets(options.queries, "table"))
    .thresholds(thresholds(options.steps))
    .withTransformation({
      id: "organize",
      options: {
        excludeByName: { Time: true },
        indexByName: { dialer_name: 0, job: 1, Value: 2 },
        renameByName: { Value: options.value },
      },
    })
    .sortBy([new common.TableSortByFieldStateBuilder().displayName(options.value).desc(true)])
    .overrideByName("dialer_name", [{ id: "links", value: [{ title: "Show details", url }] }])
    .overrideByName(options.value, [{ id: "custom.cellOptions", value: { type: "color-text" } }]);
}

interface Dressable {
  title(title: string): this;
  description(description: string): this;
  datasource(source: common.DataSourceRef): this;
  unit(unit: string): this;
  span(width: number): this;
  height(height: number): this;
}

function dress<P extends Dressable>(panel: P, options: PanelOptions, width: number, height = 8): P {
  return panel
    .title(options.title)
    .description(options.description)
    .datasource(datasource)
    .unit(options.unit)
    .span(options.width ?? width)
    .height(options.height ?? height);
}

function thresholds([first, ...others]: Steps) {
  const steps = [{ value: null, color: first }, ...others.map(([value, color]) => ({ value, color }))];
  return new dashboard.ThresholdsConfigBuilder().mode(dashboard.ThresholdsMode.Absolute).steps(steps);
}
