import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import { datasource } from "./query.ts";

/**
 * Returns the variables at the top of a dashboard: data source, jobs, instances and dialers. The choices of each depend
 * on the variables before it.
 *
 * @param metrics - regular expression for the names of the metrics that provide the choices
 * @param owner - label of the variable `dialer_name`
 */
export function variables(metrics: string, owner: string) {
  const metricsWith = (matchers: string) => `{__name__=~"${metrics}"${matchers}}`;
  return [
    new dashboard.DatasourceVariableBuilder("datasource").label("Data source").type("prometheus"),
    labelVariable("job", "Job", metricsWith("")),
    labelVariable("instance", "Instance", metricsWith(', job=~"$job"')),
    labelVariable("dialer_name", owner, metricsWith(', job=~"$job", instance=~"$instance"')),
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
