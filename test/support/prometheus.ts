import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "./peers.ts";
import { endWithThisProcess } from "./processes.ts";
import { removeFolder, temporaryFolder } from "./temporary.ts";
import { findCommand } from "./tools.ts";

/** One series of an answer. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** An alert that is pending or firing. */
export interface ActiveAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: "pending" | "firing";
}

export interface EvaluatedRule {
  readonly name: string;
  readonly health: "ok" | "err" | "unknown";
  readonly lastError?: string;
}

/** A real Prometheus on loopback. */
export interface Prometheus {
  readonly url: string;
  /** Evaluates an expression, now or at a given time; throws Prometheus' error message if it fails. */
  query(expr: string, atSeconds?: number): Promise<Series[]>;
  /**
   * Waits until every target has been scraped after this call, and returns a time in seconds at which the samples exist. A
   * scrape that fails on a busy machine removes all series until the next one, so later queries should use that time.
   */
  scraped(): Promise<number>;
  /** Values of a label among the series that match. */
  labelValues(label: string, match: string): Promise<string[]>;
  alerts(): Promise<ActiveAlert[]>;
  /** Recording rules and alerts, with the results of their evaluation. */
  rules(): Promise<EvaluatedRule[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface PrometheusOptions {
  /** Addresses whose /metrics are scraped, with their labels. */
  readonly targets: readonly { readonly address: string; readonly labels: Readonly<Record<string, string>> }[];
  /** Contents of rule files. */
  readonly rules?: readonly string[];
  /** Interval of scrapes and rules in milliseconds. @defaultValue 250 */
  readonly intervalMs?: number;
}

/** Starts Prometheus and waits until it has scraped every target. */
export async function startPrometheus({
  targets,
  rules = [],
  intervalMs = 250,
}: PrometheusOptions): Promise<Prometheus> {
  const folder = temporaryFolder();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const files = rules.map((content, index) => {
    const file = join(folder, `rules-${index}.yaml`);
    writeFileSync(file, content);
    return file;
  });
  const interval = `${intervalMs}ms`;
  const config = {
    global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
    rule_files: files,
    scrape_configs: [
      { job_name: "test", static_configs: targets.map(({ address, labels }) => ({ targets: [address], labels })) },
    ],
  };
  const configFile = join(folder, "prometheus.yml");
  writeFileSync(configFile, JSON.stringify(config)); // JSON is YAML, too.

  let said = "";
  const child = spawn(
    findCommand("prometheus") ?? "prometheus",
    [
      `--config.file=${configFile}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=warn",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  endWithThisProcess(child);
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });

  async function ask<T>(path: string, parameters: Record<string, string>): Promise<T> {
    const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters)}`, {
      headers: { connection: "close" },
    });
    const answer = (await response.json()) as { status: string; error?: string; data: T };
    if (answer.status !== "success") throw new Error(`${answer.error} in ${JSON.stringify(parameters)}`);
    return answer.data;
  }

  const prometheus: Prometheus = {
    url,
    async query(expr, atSeconds) {
      const { resultType, result } = await ask<{ resultType: string; result: unknown }>("query", {
        query: expr,
        ...(atSeconds !== undefined && { time: String(atSeconds) }),
      });
      if (resultType === "scalar") return [{ metric: {}, value: Number((result as [number, string])[1]) }];
      return (result as { metric: Series["metric"]; value: [number, string] }[]).map(({ metric, value }) => ({
        metric,
        value: Number(value[1]),
      }));
    },
    async scraped() {
      const since = Date.now() / 1000;
      const deadline = Date.now() + 60_000;
      for (;;) {
        const seen = (await prometheus.query("timestamp(up) and up == 1")).filter(({ value }) => value > since);
        // Adds a millisecond, because Prometheus truncates the time, which may lose a fraction as a floating point number.
        if (seen.length === targets.length) return Math.max(...seen.map(({ value }) => value)) + 0.001;
        if (Date.now() > deadline) throw new Error("Prometheus does not scrape all targets");
        await new Promise((resolve) => setTimeout(resolve, intervalMs / 4));
      }
    },
    labelValues: (label, match) => ask(`label/${label}/values`, { "match[]": match }),
    async alerts() {
      return (await ask<{ alerts: ActiveAlert[] }>("alerts", {})).alerts;
    },
    async rules() {
      return (await ask<{ groups: { rules: EvaluatedRule[] }[] }>("rules", {})).groups.flatMap(({ rules }) => rules);
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        const gone = once(child, "exit");
        child.kill("SIGKILL");
        await gone;
      }
      removeFolder(folder);
    },
  };

  const deadline = Date.now() + 60_000;
  const hasScraped = async () => (await prometheus.query("up == 1")).length === targets.length;
  while (!(await hasScraped().catch(() => false))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await prometheus[Symbol.asyncDispose]();
      throw new Error(`Prometheus does not scrape: ${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return prometheus;
}
