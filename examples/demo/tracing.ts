import { setTimeout as sleep } from "node:timers/promises";
import { DiagLogLevel, diag } from "@opentelemetry/api";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import type { Screen } from "./screen.ts";
import { SpanTreePrinter } from "./span-tree.ts";

/** Sends spans by OTLP where the environment names an endpoint; else prints them as trees, where they are asked for. */
export async function startTracing(screen: Screen, print: boolean): Promise<AsyncDisposable> {
  const endpoint = process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (!endpoint && !print) return { async [Symbol.asyncDispose]() {} };
  if (!endpoint) {
    const provider = new NodeTracerProvider({ spanProcessors: [new SpanTreePrinter(screen)] });
    provider.register();
    return { [Symbol.asyncDispose]: () => provider.shutdown() };
  }

  const warn = (text: string) => {
    // The SDK reports a failed export as the error's JSON.
    const message = /"message":"([^"]*)"/.exec(text)?.[1] ?? text;
    screen.say("spans", screen.paint("yellow", message));
  };
  diag.setLogger({ error: warn, warn, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);
  // Only here: it is large, and takes a while to load.
  const { NodeSDK } = await import("@opentelemetry/sdk-node");
  const sdk = new NodeSDK({ serviceName: "dialtrace-demo", metricReaders: [], logRecordProcessors: [] });
  sdk.start();
  screen.say("spans", `are sent by OTLP to ${endpoint}`);
  return {
    async [Symbol.asyncDispose]() {
      // A collector that is away must not hold up the end.
      const late = sleep(1000, "late", { ref: false });
      if ((await Promise.race([sdk.shutdown().catch(() => "failed"), late])) !== undefined) {
        warn("not all could be sent; is there a collector?");
      }
    },
  };
}
