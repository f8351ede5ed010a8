import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import { datasource } from "./query.ts";

/**
 * What is chosen at the top of the page: source, jobs, instances and dialers, each of those before it.
 *
 * @param metrics - names of the metrics, as a regular expression, whose labels are the choice
 * @param owner - what `dialer_name` is called on this page
 */
export function variables(metrics: string, owner: string) {
  const those = (matchers: string) => `{__name__=~"${metrics}"${matchers}}`;
  return [
    new dashboard.DatasourceVariableBuilder("datasource").label("Data source").type("prometheus"),
    labelVariable("job", "Job", those("")),
    labelVariable("instance", "Instance", those(', job=~"$job"')),
    labelVariable("dialer_name", owner, those(', job=~"$job", instance=~"$instance"')),
  ];
}

function labelVariable(name: string, label: string, selector: string) {
  return new dashboard.QueryVariableBuilder(name)
    .label(label)
    .datasource(datasource)
    .query(`label_values(${selector}, ${name})`)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue(".+")
    .current({ text: ["All"], value: ["$__all"] });
}
