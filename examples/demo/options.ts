import { parseArgs } from "node:util";

/** Options of the command line. */
export interface DemoOptions {
  /** Seconds after which the demo ends. @defaultValue runs until Ctrl-C */
  readonly seconds: number | undefined;
  /** Seconds from the start of the demo to the start of the NATS server. @defaultValue 2.5 */
  readonly upAfter: number;
  /** Seconds from the first message to the outage of the NATS server. @defaultValue 4 */
  readonly downAfter: number;
  /** Seconds of the outage. @defaultValue 3 */
  readonly downFor: number;
  /** Port of the NATS server. @defaultValue any free port */
  readonly port: number | undefined;
  /** Port of the metrics. @defaultValue any free port */
  readonly metricsPort: number | undefined;
  /** Uses the small server even if there is a nats-server. @defaultValue `false` */
  readonly smallServer: boolean;
  /** Prints the spans. @defaultValue `false` */
  readonly spans: boolean;
}

/** A mistake on the command line. The message is one line for the user. */
export class UsageError extends Error {}

export const help = `Connects to NATS through a dialer and shows what happens.

  npm run demo
  npm run demo -- --seconds 20

  --seconds N        end after N seconds (default: run until Ctrl-C)
  --up-after N       start the NATS server after N seconds (default: 2.5)
  --down-after N     stop it N seconds after the first message (default: 4)
  --down-for N       start it again after N seconds (default: 3)
  --small-server     use the demo's own small NATS server, even if nats-server is installed
  --port N           port of the NATS server (default: any free port)
  --metrics-port N   port of /metrics (default: any free port)
  --spans            also print the OpenTelemetry spans as trees
  --help             show this help

Each dial is printed as a waterfall. If OTEL_EXPORTER_OTLP_ENDPOINT is set, spans are exported to it.`;

const flags = {
  seconds: { type: "string" },
  "up-after": { type: "string" },
  "down-after": { type: "string" },
  "down-for": { type: "string" },
  "small-server": { type: "boolean" },
  port: { type: "string" },
  "metrics-port": { type: "string" },
  spans: { type: "boolean" },
  help: { type: "boolean" },
} as const;

type Token =
  | { kind: "option"; name: string; rawName: string; value?: string | undefined }
  | { kind: "positional"; value: string }
  | { kind: "option-terminator" };

/** Rejects unknown arguments, and values of flags that take none. */
function checkTokens(tokens: readonly Token[]): void {
  const unknown = tokens.flatMap((token) => {
    if (token.kind === "positional") return [token.value];
    return token.kind === "option" && !Object.hasOwn(flags, token.name) ? [token.rawName] : [];
  });
  if (unknown.length > 0) {
    const what = unknown.length === 1 ? "unknown argument" : "unknown arguments";
    throw new UsageError(`${what}: ${unknown.join(", ")}; see --help`);
  }
  for (const token of tokens) {
    if (token.kind === "option" && flags[token.name as keyof typeof flags].type === "boolean" && token.value) {
      throw new UsageError(`${token.rawName} takes no value, got ${token.value}`);
    }
  }
}

/**
 * Parses the command line. Returns `"help"` for `--help`.
 *
 * @throws UsageError that names every unknown argument, or the first argument with a wrong value.
 */
export function readOptions(args: readonly string[]): DemoOptions | "help" {
  const { values, tokens } = parseArgs({
    args: [...args],
    options: flags,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  checkTokens(tokens);
  if (values.help) return "help";

  const number = (flag: keyof typeof flags, what: string, isGood: (value: number) => boolean): number | undefined => {
    const text = values[flag];
    if (text === undefined) return undefined;
    const given = typeof text === "string" ? text.trim() : "";
    const value = given === "" ? Number.NaN : Number(given);
    if (!isGood(value)) throw new UsageError(`--${flag} must be ${what}, got ${given || "nothing"}`);
    return value;
  };
  const seconds = (flag: keyof typeof flags) =>
    number(flag, "a number of seconds from 0 to 86400", (value) => value >= 0 && value <= 86_400);
  const port = (flag: keyof typeof flags) =>
    number(flag, "a port from 1 to 65535", (value) => Number.isInteger(value) && value >= 1 && value <= 65_535);
  return {
    seconds: seconds("seconds"),
    upAfter: seconds("up-after") ?? 2.5,
    downAfter: seconds("down-after") ?? 4,
    downFor: seconds("down-for") ?? 3,
    port: port("port"),
    metricsPort: port("metrics-port"),
    smallServer: values["small-server"] === true,
    spans: values.spans === true,
  };
}
