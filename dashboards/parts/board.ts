import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import type { Panel } from "./panels.ts";
import { variables } from "./variables.ts";

/** One Grafana dashboard. */
export interface Board {
  /** Part of the dashboard's URL and its file name. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** Regular expression for the names of the metrics that provide the values of the variables. */
  readonly metrics: string;
  /** Label of the variable `dialer_name` on this dashboard. */
  readonly owner: string;
  readonly rows: readonly Row[];
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
  /** Repeats the row for each selected value of this variable. */
  readonly repeat?: "dialer_name";
}

/** The dashboards link to each other by this tag. */
const tag = "dialtrace";

/** Builds a dashboard in Grafana's import format. */
export function buildBoard({ uid, title, description, metrics, owner, rows }: Board): dashboard.Dashboard {
  const builder = new dashboard.DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags([tag])
    .readonly()
    .timezone("browser")
    .time({ from: "now-1h", to: "now" })
    .refresh("30s")
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .variables(variables(metrics, owner))
    .link(
      new dashboard.DashboardLinkBuilder("dialtrace")
        .type(dashboard.DashboardLinkType.Dashboards)
        .tags([tag])
        .asDropdown(false)
        .includeVars(true)
        .keepTime(true),
    );
  for (const { title: rowTitle, panels, repeat } of rows) {
    const row = new dashboard.RowBuilder(rowTitle);
    builder.withRow(repeat === undefined ? row : row.repeat(repeat));
    for (const panel of panels) builder.withPanel(panel);
  }
  const built = builder.build();
  for (const [index, panel] of (built.panels ?? []).entries()) panel.id = index + 1;
  return built;
}
