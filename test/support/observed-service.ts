import { spawn } from "node:child_process";
import { once } from "node:events";
import type { InspectorSnapshot } from "../../src/inspector.ts";
import { parseExposition, type Scrape } from "../telemetry/exposition.ts";
import { until } from "./resources.ts";

/** A running service that `dialtrace/register` observes. */
export interface ObservedService extends AsyncDisposable {
  /** URL of the service. */
  readonly url: string;
  /** URL of its metrics. */
  readonly metrics: string;
  /** URL of its live page. */
  readonly page: string;
  scrape(): Promise<Scrape>;
  /** Returns the established connections on the page, by name. */
  shown(): Promise<Record<string, number>>;
  /** Returns its standard output and standard error. */
  said(): string;
}

/** A program and the flags that observe it. */
export interface ServiceCommand {
  readonly folder: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** Starts a program that writes `app at <url>`, and waits until the service, its metrics and its page listen. */
export async function startService({ folder, command, args, env }: ServiceCommand): Promise<ObservedService> {
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...inherited } = process.env;
  const child = spawn(command, args, {
    cwd: folder,
    env: { ...inherited, DIALTRACE_METRICS: "0", DIALTRACE_PAGE: "0", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += chunk));
  const gone = once(child, "exit");
  const places = () =>
    [/app at (\S+)/, /metrics of process \d+ at (\S+)/, /live page of process \d+ at (\S+)/].map(
      (what) => what.exec(said)?.[1] ?? "",
    );
  const dispose = async () => {
    child.kill();
    await gone;
  };
  try {
    await until(() => child.exitCode !== null || places().every(Boolean), "the service starts", 60_000);
    if (child.exitCode !== null) throw new Error("the service ended");
  } catch (error) {
    await dispose();
    throw new Error(`${error}: ${said}`);
  }
  const [url = "", metrics = "", page = ""] = places();
  return {
    url,
    metrics,
    page,
    scrape: async () => parseExposition(await (await fetch(metrics)).text()),
    shown: async () => {
      const { dialers } = (await (await fetch(`${page}json`)).json()) as InspectorSnapshot;
      return Object.fromEntries(dialers.map(({ name, attempts }) => [name, attempts.established]));
    },
    said: () => said,
    [Symbol.asyncDispose]: dispose,
  };
}
