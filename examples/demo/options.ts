import { parseArgs } from "node:util";

export interface DemoOptions {
  /** Ends the demo by itself; without it, it runs until Ctrl-C. */
  readonly seconds: number | undefined;
  /** When the NATS server comes up, counted from the start. */
  readonly upAfter: number;
  /** When it goes down, counted from its coming up. */
  readonly downAfter: number;
  /** How long it stays down. */
  readonly downFor: number;
  /** Ports, where they are to be fixed. */
  readonly port: number | undefined;
  readonly metricsPort: number | undefined;
  readonly smallServer: boolean;
  /** Prints the spans, too. */
  readonly spans: boolean;
}

/** The user asked for something that can't be done. The message is for people, and one line. */
export class UsageError extends Error {}

export const help = `Connects to NATS through a dialer, and shows what happens inside.

  npm run demo
  npm run demo -- --seconds 20

  --seconds N        end after N seconds; otherwise Ctrl-C ends it
  --up-after N       the NATS server comes up N seconds after the start (2.5)
  --down-after N     it goes down N seconds later (6)
  --down-for N       it stays down for N seconds (3)
  --small-server     use the demo's own small NATS server, even where there is a nats-server
  --port N           port of the NATS server; otherwise a free one
  --metrics-port N   port of /metrics; otherwise a free one
  --spans            print the OpenTelemetry spans, too, as trees
  --help             show this

Each dial is printed as a waterfall. Spans are sent by OTLP when OTEL_EXPORTER_OTLP_ENDPOINT is set.`;

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

/**
 * Reads the command line; `"help"` when that was asked for.
 *
 * @throws UsageError naming every argument that is unknown, or the first that has no good value.
 */
export function readOptions(args: readonly string[]): DemoOptions | "help" {
  const { values, tokens } = parseArgs({
    args: [...args],
    options: flags,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
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
    downAfter: seconds("down-after") ?? 6,
    downFor: seconds("down-for") ?? 3,
    port: port("port"),
    metricsPort: port("metrics-port"),
    smallServer: values["small-server"] === true,
    spans: values.spans === true,
  };
}
