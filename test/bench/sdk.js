// @ts-check
import { BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

/** Registers the SDK as a service does, with batched spans, except that each batch is dropped. */
export function registerSdk() {
  const exporter = {
    /** @param {unknown} _spans @param {(result: { code: number }) => void} done */
    export: (_spans, done) => done({ code: 0 }),
    shutdown: async () => {},
  };
  new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] }).register();
}
