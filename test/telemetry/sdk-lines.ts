import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import * as api from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { AlwaysOffSampler, BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { isNodeAtLeast } from "../support/tools.ts";
import type { spanRecorder } from "./span-tree.ts";

type Recorder = ReturnType<typeof spanRecorder>;

/** One line of OpenTelemetry's SDK, with the API that its users have. */
export interface SdkLine {
  readonly name: string;
  /** The application's API: where it registers its provider and context manager. */
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
 * SDK 3, from a folder of its own: it needs a newer API than SDK 2 allows. So two APIs are in the process,
 * as in an application that is ahead of this package's.
 *
 * @returns a string that says why, where it can't be had.
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

/** Registers a context manager with the application's API, once: it complains of a second. */
export function useContextManager({ api }: SdkLine): void {
  if (withContextManager.has(api)) return;
  withContextManager.add(api);
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
}
