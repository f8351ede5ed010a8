import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import * as api from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { AlwaysOffSampler, BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { isNodeAtLeast } from "../support/tools.ts";
import type { spanRecorder } from "./span-tree.ts";

type Recorder = ReturnType<typeof spanRecorder>;

/** One major version of OpenTelemetry's SDK, with the API version of its users. */
export interface SdkLine {
  readonly name: string;
  /** The application's API, with which it registers its provider and context manager. */
  readonly api: Pick<typeof api, "context" | "trace" | "diag" | "ROOT_CONTEXT" | "DiagLogLevel">;
  provider(recorder: Recorder, options?: { sampled: boolean }): api.TracerProvider;
}

export const sdk2: SdkLine = {
  name: "SDK 2",
  api,
  provider: (recorder, { sampled } = { sampled: true }) =>
    new BasicTracerProvider({
      spanProcessors: [recorder as never],
      ...(!sampled && { sampler: new AlwaysOffSampler() }),
    }),
};

const folder = new URL("../otel-sdk-3/", import.meta.url);

/**
 * SDK 3, from a separate folder, because it needs a newer API than SDK 2 allows. The process therefore has two API
 * versions, as in an application with a newer API than this package's.
 *
 * @returns the reason as a string if SDK 3 is not available.
 */
export function loadSdk3(): SdkLine | string {
  if (!isNodeAtLeast([22, 15])) return `OpenTelemetry's SDK 3 needs Node 22.15; this is ${process.version}`;
  if (!existsSync(new URL("node_modules", folder))) return "test/otel-sdk-3 is not installed: run npm ci there";
  const load = createRequire(new URL("package.json", folder));
  const { TracerProvider, AlwaysOffSampler } = load("@opentelemetry/sdk-trace") as {
    TracerProvider: new (options: object) => api.TracerProvider;
    AlwaysOffSampler: new () => object;
  };
  return {
    name: "SDK 3",
    api: load("@opentelemetry/api") as typeof api,
    provider: (recorder, { sampled } = { sampled: true }) =>
      new TracerProvider({
        spanProcessors: [recorder],
        ...(!sampled && { sampler: new AlwaysOffSampler() }),
      }),
  };
}

const withContextManager = new WeakSet<object>();

/** Registers a context manager with the application's API, once: the API reports a second one as an error. */
export function useContextManager({ api }: SdkLine): void {
  if (withContextManager.has(api)) return;
  withContextManager.add(api);
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
}
