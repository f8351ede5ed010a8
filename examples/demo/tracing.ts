import { setTimeout as sleep } from "node:timers/promises";
import { DiagLogLevel, diag } from "@opentelemetry/api";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import type { Screen } from "./screen.ts";
import { SpanTreePrinter } from "./span-tree.ts";

/** Exports spans by OTLP if `OTEL_EXPORTER_OTLP_ENDPOINT` is set; otherwise prints them as trees if `print` is set. */
export async function startTracing(screen: Screen, print: boolean): Promise<AsyncDisposable> {
  const endpoint = process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (!endpoint && !print) return { async [Symbol.asyncDispose]() {} };
  if (!endpoint) {
    const provider = new NodeTracerProvider({ spanProcessors: [new SpanTreePrinter(screen)] });
    provider.register();
    return { [Symbol.asyncDispose]: () => provider.shutdown() };
  }

  const warn = (text: string) => {
    // The SDK reports a failed export as an error in JSON.
    const message = /"message":"([^"]*)"/.exec(text)?.[1] ?? text;
    screen.say("spans", screen.paint("yellow", message));
  };
  diag.setLogger({ error: warn, warn, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);
  // Loaded only when needed: it is large.
  const { NodeSDK } = await import("@opentelemetry/sdk-node");
  const sdk = new NodeSDK({ serviceName: "dialtrace-demo", metricReaders: [], logRecordProcessors: [] });
  sdk.start();
  screen.say("spans", `exported by OTLP to ${endpoint}`);
  return {
    async [Symbol.asyncDispose]() {
      // An unreachable collector must not delay the exit.
      const late = sleep(1000, "late", { ref: false });
      if ((await Promise.race([sdk.shutdown().catch(() => "failed"), late])) !== undefined) {
        warn("some spans could not be exported; is the collector running?");
      }
    },
  };
}
