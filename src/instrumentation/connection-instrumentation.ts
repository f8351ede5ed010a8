import { InstrumentationBase } from "@opentelemetry/instrumentation";
import { observeProcess, type ProcessObservation } from "../process/observe-process.ts";
import { checkTracerProvider } from "../telemetry/check-name.ts";
import { isNoopProvider } from "../telemetry/otel-instruments.ts";
import { checkMeterProvider, type OtelMetricsOptions, withOtelMetrics } from "../telemetry/otel-metrics.ts";
import { scopeName, scopeVersion } from "../telemetry/scope.ts";
import { type TracingOptions, withTracing } from "../telemetry/tracing.ts";
import { type ConnectionInstrumentationConfig, checkConfig } from "./config.ts";
import { readIgnoredTargets } from "./ignored-targets.ts";

export type { ConnectionInstrumentationConfig } from "./config.ts";

type TracerProvider = NonNullable<TracingOptions["tracerProvider"]>;
type MeterProvider = NonNullable<OtelMetricsOptions["meterProvider"]>;

/**
 * Instruments every outgoing connection of the process for OpenTelemetry, whichever client makes it: spans of
 * `withTracing`, metrics of `withOtelMetrics`, by `observeProcess`.
 *
 * A new provider or configuration is for connections that start from then on. Earlier ones are reported to the earlier
 * provider until they are closed. Without `@opentelemetry/instrumentation-net`: both create spans of the same connects.
 *
 * @throws TypeError if the configuration is invalid.
 * @example
 * new NodeSDK({ instrumentations: [new ConnectionInstrumentation({ ignoreTargets: ["169.254.169.254"] })] }).start();
 */
export class ConnectionInstrumentation extends InstrumentationBase<ConnectionInstrumentationConfig> {
  #tracerProvider: TracerProvider | undefined;
  #meterProvider: MeterProvider | undefined;
  #observation: ProcessObservation | undefined;

  constructor(config: ConnectionInstrumentationConfig = {}) {
    checkConfig(config);
    // The base class calls setConfig() and enable() before the fields of this class exist.
    super(scopeName, scopeVersion, { ...config, enabled: false });
    this.setConfig(config);
    if (this.getConfig().enabled) this.enable();
  }

  /** Observes the connections that start from now on. Has no effect if it is enabled. */
  override enable(): void {
    if (this.#observation !== undefined) return;
    super.enable();
    this.#observation = observeProcess(this.#options());
  }

  /** Ends the observation of new connections. Those that have started are reported until they are closed. */
  override disable(): void {
    if (this.#observation === undefined) return;
    super.disable();
    this.#observation.stop();
    this.#observation = undefined;
  }

  /**
   * Replaces the whole configuration. It neither enables nor disables: call `enable()` or `disable()`.
   *
   * @throws TypeError if it is invalid; the previous one stays.
   */
  override setConfig(config: ConnectionInstrumentationConfig = {}): void {
    checkConfig(config);
    super.setConfig(config);
    if (#observation in this) this.#observeAgain();
  }

  /** Sets the provider of the tracer. @throws TypeError if it is none. */
  override setTracerProvider(tracerProvider: TracerProvider): void {
    checkTracerProvider("ConnectionInstrumentation", tracerProvider);
    super.setTracerProvider(tracerProvider);
    if (this.#tracerProvider === tracerProvider) return;
    this.#tracerProvider = tracerProvider;
    this.#observeAgain();
  }

  /** Sets the provider of the meter. @throws TypeError if it is none. */
  override setMeterProvider(meterProvider: MeterProvider): void {
    checkMeterProvider("ConnectionInstrumentation", meterProvider);
    super.setMeterProvider(meterProvider);
    // NodeSDK and registerInstrumentations pass the API's own provider if the application has not registered one yet.
    const provider = isNoopProvider(meterProvider) ? undefined : meterProvider;
    if (this.#meterProvider === provider) return;
    this.#meterProvider = provider;
    this.#observeAgain();
  }

  /** No modules are patched: `observeProcess` wraps the methods of sockets. */
  protected override init(): void {}

  #observeAgain(): void {
    if (this.#observation === undefined) return;
    const options = this.#options();
    // Stopped before the next one starts: only outermost wraps can be undone.
    this.#observation.stop();
    this.#observation = observeProcess(options);
  }

  #options() {
    const { requireParentSpan, ignoreTargets, name } = this.getConfig();
    const { fixed, perTarget } =
      typeof name === "function" ? { fixed: undefined, perTarget: name } : { fixed: name, perTarget: undefined };
    return {
      observers: [
        withTracing({ tracerProvider: this.#tracerProvider, requireParentSpan, name: fixed }),
        withOtelMetrics({ meterProvider: this.#meterProvider, name: fixed }),
      ],
      name: perTarget,
      ignore: ignoreTargets && readIgnoredTargets(ignoreTargets),
    };
  }
}
