import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { until } from "../support/resources.ts";
import { findCommand } from "../support/tools.ts";

/** An example in its own process and process group. */
export interface Example extends AsyncDisposable {
  /** The output so far. */
  readonly output: string;
  readonly child: ChildProcess;
  /** Waits until the output has `text` at least `times` times. */
  printed(text: string, times?: number): Promise<void>;
  /** Waits until the process has ended, and returns its exit code or the signal that ended it. */
  ended(): Promise<number | string>;
  /** The URL of the metrics, or an empty string. */
  metricsUrl(): string;
  /** Process ids of the NATS servers that it has started. */
  servers(): readonly number[];
  /** Waits until the process and all its children have ended. */
  leftNothing(): Promise<void>;
}

/** Starts `examples/demo` with `args`. */
export function startDemo(args: readonly string[], env: NodeJS.ProcessEnv = {}): Example {
  return startExample("demo/main.ts", args, env);
}

/** Starts `file` of the examples with `args`. */
export function startExample(file: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Example {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: _, ...inherited } = process.env;
  const folder = findCommand("nats-server")?.replace(/\/[^/]*$/, "");
  const child = spawn(process.execPath, ["--import", "tsx", `examples/${file}`, ...args], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...inherited, PATH: `${process.env.PATH}:${folder}`, ...env },
  });
  const closed = once(child, "close");
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
    });
  }

  const servers = () => [...output.matchAll(/\(process (\d+)\)/g)].map(([, pid]) => Number(pid));
  return {
    child,
    get output() {
      return output;
    },
    async printed(text, times = 1) {
      const seen = () => output.split(text).length > times;
      const what = () => `the example to print ${JSON.stringify(text)}; it printed:\n${output}`;
      await until(() => seen() || child.exitCode !== null, "").catch(() => {});
      if (!seen()) throw new Error(`timed out waiting for ${what()}`);
    },
    async ended() {
      const [code, signal] = await closed;
      return code ?? signal;
    },
    metricsUrl: () => /http:\/\/127\.0\.0\.1:\d+\/metrics/.exec(output)?.[0] ?? "",
    servers,
    async leftNothing() {
      // Each leads a process group that contains its children.
      const leaders = [child.pid ?? Number.NaN, ...servers()];
      await until(() => !leaders.some(leadsGroup), `all processes to end of:\n${output}`);
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await closed;
    },
  };
}

/** Whether any process of the group of `pid` is running. */
function leadsGroup(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Asserts that `output` contains all `parts` in this order. */
export function assertInOrder(output: string, parts: readonly (string | RegExp)[]): void {
  let rest = output;
  for (const part of parts) {
    const match = typeof part === "string" ? part : part.exec(rest)?.[0];
    const at = match === undefined ? -1 : rest.indexOf(match);
    if (match === undefined || at < 0) assert.fail(`${part} is missing, or out of order, in:\n${output}`);
    rest = rest.slice(at + match.length);
  }
}
