import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import type { Panel } from "./panels.ts";
import { variables } from "./variables.ts";

/** One page of Grafana. */
export interface Board {
  /** In the page's address, and its file's name. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** Names of the metrics, as a regular expression, whose labels can be chosen from. */
  readonly metrics: string;
  /** What `dialer_name` is called here. */
  readonly owner: string;
  readonly rows: readonly Row[];
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
  /** Shows the row anew for each chosen value of this variable. */
  readonly repeat?: "dialer_name";
}

/** Each page has links to the others by this tag. */
const tag = "dialtrace";

/** A page as Grafana imports it. */
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
