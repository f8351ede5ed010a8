import type { Target } from "../core/target.ts";
import { parseTarget } from "../core/target.ts";

/** Where OpenTelemetry's API keeps its global parts, and the key by which SDKs mark the work of exporters. */
const apiKey = Symbol.for("opentelemetry.js.api.1");
const suppressedKey = Symbol.for("OpenTelemetry SDK Context Key SUPPRESS_TRACING");

interface OpenTelemetryApi {
  readonly context?: { active?(): { getValue?(key: symbol): unknown } };
}

/** Variables that name the endpoints of OTLP exporters. */
const endpointVariables = [
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
  "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
  "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
];

/**
 * Whether the current connect is made with tracing suppressed, as exporters do. Reads the API from the global object,
 * because loading it would need an optional peer.
 */
export function isSuppressed(): boolean {
  const api = (globalThis as { [apiKey]?: OpenTelemetryApi })[apiKey];
  return api?.context?.active?.()?.getValue?.(suppressedKey) === true;
}

/** Returns whether a target is the endpoint of an exporter, by the environment. */
export function exporterTargets(env: NodeJS.ProcessEnv): (target: Target) => boolean {
  const targets = new Set<string>();
  for (const variable of endpointVariables) {
    const endpoint = env[variable];
    if (endpoint === undefined || endpoint === "") continue;
    try {
      targets.add(String(parseTarget(endpoint)));
    } catch {
      // The exporter reports it.
    }
  }
  return (target) => targets.size > 0 && targets.has(String(target));
}
