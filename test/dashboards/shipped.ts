import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

/** The parts of a dashboard's JSON that the tests use. */
export interface Board {
  readonly uid: string;
  readonly title: string;
  readonly editable: boolean;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title?: string;
  readonly description?: string;
  readonly repeat?: string;
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly Target[];
  readonly fieldConfig?: {
    readonly defaults: { readonly unit?: string };
    readonly overrides: readonly {
      readonly matcher: { readonly id: string; readonly options: string };
      readonly properties: readonly { readonly id: string; readonly value: unknown }[];
    }[];
  };
}

export interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat: string;
  readonly datasource: { readonly uid: string };
}

export interface Variable {
  readonly type: string;
  readonly name: string;
  readonly label: string;
  readonly query: string;
  readonly datasource?: { readonly uid: string };
  readonly multi?: boolean;
  readonly includeAll?: boolean;
  readonly allValue?: string;
  readonly refresh?: number;
}

export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export const rulesFile = "dashboards/rules.yaml";
export const alertsFile = "dashboards/alerts.yaml";

/** The shipped dashboards, by file name. */
export const boards: ReadonlyMap<string, Board> = new Map(
  readdirSync("dashboards/grafana")
    .sort()
    .map((file) => [file, JSON.parse(readFileSync(join("dashboards/grafana", file), "utf8")) as Board]),
);

/** Returns the panels of a dashboard without the row headings. */
export function panelsOf(board: Board): Panel[] {
  return board.panels.filter(({ type }) => type !== "row");
}

export const recordingRules: readonly Rule[] = rulesOf(rulesFile);
export const alerts: readonly Rule[] = rulesOf(alertsFile);

/** All expressions of panels, rules and alerts, with their location. */
export const expressions: readonly { readonly where: string; readonly expr: string }[] = [
  ...[...boards].flatMap(([file, board]) =>
    panelsOf(board).flatMap(({ title, targets = [] }) =>
      targets.map(({ expr, refId }) => ({ where: `${file}, ${title}, ${refId}`, expr })),
    ),
  ),
  ...recordingRules.map(({ record, expr }) => ({ where: String(record), expr })),
  ...alerts.map(({ alert, expr }) => ({ where: String(alert), expr })),
];

function rulesOf(file: string): Rule[] {
  const { groups } = parse(readFileSync(file, "utf8")) as { groups: { rules: Rule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}
