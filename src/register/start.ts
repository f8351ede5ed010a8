import cluster from "node:cluster";
import { createRequire } from "node:module";
import { basename } from "node:path";
import { isMainThread } from "node:worker_threads";
import type { Middleware } from "../core/dialer.ts";
import { inspector } from "../inspector/inspector.ts";
import { type Logger, withLog } from "../middleware/log.ts";
import { observeProcess } from "../process/observe-process.ts";
import { messageOf } from "../support/message.ts";
import { printable } from "../support/printable.ts";
import type { withPrometheus } from "../telemetry/prometheus.ts";
import type { AnyRegistry } from "../telemetry/registry-metrics.ts";
import type { withTracing } from "../telemetry/tracing.ts";
import { type MetricsRegistry, serveMetrics } from "./metrics-server.ts";
import { type ListenPlace, type RegisterSettings, readSettings } from "./settings.ts";

/** Set in the global object, because the flag may be given twice, to `import` and to `require`. */
const startedKey = Symbol.for("dialtrace.register");

/** Entries with optional peers. They are loaded synchronously when they are needed, because connects may follow. */
interface Otel {
  readonly withTracing: typeof withTracing;
}

interface Prometheus {
  readonly withPrometheus: typeof withPrometheus;
}

interface PromClient {
  readonly Registry: new () => AnyRegistry & MetricsRegistry;
}

/** Observes the process as the variables say. Never throws: the application goes on. */
export function startFromEnvironment(env: NodeJS.ProcessEnv): void {
  const global = globalThis as { [startedKey]?: boolean };
  if (global[startedKey]) return;
  global[startedKey] = true;
  try {
    const settings = readSettings(env);
    if (settings.off || isPackageManager(process.argv[1])) return;
    for (const problem of settings.problems) say(problem);
    start(settings);
  } catch (error) {
    say(`the process is not observed: ${messageOf(error)}`);
  }
}

/**
 * Whether the process is a package manager that starts the application, such as `npm start` with NODE_OPTIONS: it would
 * occupy the ports.
 */
function isPackageManager(script: string | undefined): boolean {
  return script !== undefined && /^(?:npm|npx|pnpm|pnpx|yarn|corepack)(?:-cli)?(?:\.[cm]?js)?$/.test(basename(script));
}

function start(settings: RegisterSettings): void {
  const observers = [...tracing(), ...log(settings), ...servers(settings)];
  const { naming, ignore } = settings;
  if (observers.length > 0) observeProcess({ observers, ...naming, ignore });
}

/** Spans, for whatever provider the application registers later. */
function tracing(): Middleware[] {
  const otel = load<Otel>("otel");
  return otel === undefined ? [] : [otel.withTracing()];
}

function log({ log }: RegisterSettings): Middleware[] {
  if (log === undefined) return [];
  // The standard output may be read by another program.
  const write = (line: string) => void process.stderr.write(`${line}\n`);
  const logger: Logger = { info: write, warn: write };
  if (log === "lines") return [withLog(logger)];
  const { isTTY = false, columns } = process.stderr;
  const isWide = isTTY && columns > 0;
  return [withLog(logger, { pretty: true, colors: isTTY && process.stderr.hasColors(), ...(isWide && { columns }) })];
}

/** Each worker has its own connections, but a port has one listener: that of the main thread, or of the first process. */
function servers({ metrics, page }: RegisterSettings): Middleware[] {
  if (!isMainThread || (metrics === undefined && page === undefined)) return [];
  if (cluster.isWorker) {
    say(`worker ${process.pid} of a cluster serves neither metrics nor page; each worker would have the same port`);
    return [];
  }
  return [...(metrics === undefined ? [] : prometheus(metrics)), ...(page === undefined ? [] : live(page))];
}

function prometheus(place: ListenPlace): Middleware[] {
  const entry = load<Prometheus>("prometheus");
  if (entry === undefined) {
    say("DIALTRACE_METRICS needs prom-client; install it with npm install prom-client");
    return [];
  }
  const { Registry } = createRequire(import.meta.url)("prom-client") as PromClient;
  const registry = new Registry();
  report("DIALTRACE_METRICS", "metrics", place, serveMetrics(registry, place), "metrics");
  return [entry.withPrometheus({ registry })];
}

function live(place: ListenPlace): Middleware[] {
  const shown = inspector();
  const listening = shown.listen(place).then(({ port }) => port);
  report("DIALTRACE_PAGE", "live page", place, listening, "");
  return [shown.observe()];
}

function report(variable: string, what: string, { host, port }: ListenPlace, listening: Promise<number>, path: string) {
  const origin = (bound: number) => (host.includes(":") ? `[${host}]:${bound}` : `${host}:${bound}`);
  listening.then(
    (bound) => say(`${what} of process ${process.pid} at http://${origin(bound)}/${path}`),
    (error: NodeJS.ErrnoException) => {
      const why = error.code === "EADDRINUSE" ? "the port is taken, perhaps by the parent process" : messageOf(error);
      say(`${variable}: no ${what} of process ${process.pid} at ${origin(port)}: ${why}; port 0 chooses a free one`);
    },
  );
}

/** Loads another entry of this package. Returns `undefined` if its peer is not installed. */
function load<T>(entry: string): T | undefined {
  try {
    return createRequire(import.meta.url)(`dialtrace/${entry}`) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException | undefined)?.code === "MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

function say(line: string): void {
  process.stderr.write(`dialtrace: ${printable(line)}\n`);
}
