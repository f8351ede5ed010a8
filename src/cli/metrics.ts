import { isError } from "../support/is-error.ts";
import { messageOf } from "../support/message.ts";
import type { MetricsServer } from "../telemetry/metrics-server.ts";
import { UsageError } from "./usage-error.ts";
import type { ListenAddress } from "./values.ts";

/** Longest name of a dialer, in characters. */
const maxName = 128;

/**
 * Serves metrics, by prom-client if that is installed.
 *
 * @throws UsageError if prom-client is missing, or the port cannot be used.
 */
export async function startMetrics({ host, port }: ListenAddress): Promise<MetricsServer> {
  const { metricsServer } = await import("../telemetry/metrics-server.ts").catch((error: unknown) => {
    throw isError(error) && /prom-client/.test(error.message) ? new UsageError(missing) : error;
  });
  try {
    return await metricsServer(host, port);
  } catch (error) {
    throw new UsageError(`--metrics: ${messageOf(error)}`);
  }
}

const missing =
  "--metrics needs the package prom-client; install it next to dialtrace (npm install prom-client) or run npx -p dialtrace -p prom-client dialtrace …";

/** Returns the name that a target's dialer has in the metrics. */
export function metricsName(target: string): string {
  return target.slice(0, maxName);
}
