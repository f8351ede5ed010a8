import { readArguments } from "./arguments.ts";
import { type CliTarget, readTarget } from "./cli-target.ts";
import { type Credentials, readCredentials } from "./credentials.ts";
import { type OptionName, rowOf } from "./option-table.ts";
import { UsageError } from "./usage-error.ts";
import { type ListenAddress, readCount, readListenAddress, readTime } from "./values.ts";

/** The TLS options of all targets. */
export interface TlsSettings {
  readonly serverName: string | undefined;
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  /** Protocols to offer to `tls://` targets. */
  readonly alpn: readonly string[] | undefined;
}

/** How dials are repeated. */
export interface Repetition {
  /** Number of rounds; `Infinity` until an interrupt. */
  readonly rounds: number;
  /** Milliseconds between the starts of two rounds. */
  readonly intervalMs: number;
  readonly metrics: ListenAddress | undefined;
}

/** A checked command line. */
export interface Settings {
  readonly targets: readonly CliTarget[];
  /** `undefined` for a single dial with all details. */
  readonly repetition: Repetition | undefined;
  readonly timeoutMs: number;
  readonly maxAttempts: number;
  readonly family: 0 | 4 | 6;
  /** The proxy of `--proxy`. */
  readonly proxy: string | undefined;
  readonly ignoresEnvironment: boolean;
  readonly tls: TlsSettings;
  readonly method: "GET" | "HEAD";
  /** Milliseconds to wait for the banner of a server that sends before the client. */
  readonly waitMs: number;
  readonly credentials: Credentials;
  readonly tlsFirst: boolean;
  /** Whether to describe the dialer of each target first. */
  readonly explains: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** What a command line asks for. */
export type Command = "help" | "version" | Settings;

type Values = ReadonlyMap<OptionName, string | true>;

/**
 * Reads and checks a command line.
 *
 * @throws UsageError naming the option or the target.
 */
export function readCommand(argv: readonly string[]): Command {
  const { values, targets } = readArguments(argv);
  if (values.has("help")) return "help";
  if (values.has("version")) return "version";
  if (targets.length === 0) throw new UsageError("a target is missing, such as db.internal:5432");
  const text = (name: OptionName) => textOf(values, name);
  const settings: Settings = {
    targets: targets.map(readTarget),
    repetition: readRepetition(values),
    timeoutMs: readTime("timeout", text("timeout") ?? "10s", 1),
    maxAttempts: 1 + readCount("retries", text("retries") ?? "0", 0),
    family: readFamily(values),
    proxy: readProxy(values),
    ignoresEnvironment: values.has("no-proxy"),
    tls: readTls(values),
    method: readMethod(text("method")),
    waitMs: readTime("wait", text("wait") ?? "500ms", 0),
    credentials: readCredentials(text),
    tlsFirst: values.has("tls-first"),
    explains: values.has("explain"),
    json: values.has("json"),
    quiet: values.has("quiet"),
  };
  for (const name of values.keys()) checkUsed(name, settings.targets);
  return settings;
}

/** Checks that an option has an effect on one of the targets. */
function checkUsed(name: OptionName, targets: readonly CliTarget[]): void {
  const { only } = rowOf(name);
  if (only === undefined || targets.some(({ protocol }) => only.includes(protocol))) return;
  const schemes = only.map((protocol) => `${protocol}://`).join(", ");
  throw new UsageError(`--${name} has no effect without a target of ${schemes}; write the target with its scheme`);
}

function textOf(values: Values, name: OptionName): string | undefined {
  const value = values.get(name);
  return value === true ? undefined : value;
}

function readRepetition(values: Values): Repetition | undefined {
  const count = textOf(values, "count");
  const metrics = textOf(values, "metrics");
  if (!values.has("watch") && count === undefined) {
    for (const name of ["interval", "metrics"] as const) {
      if (values.has(name)) throw new UsageError(`--${name} needs --watch or --count`);
    }
    return undefined;
  }
  return {
    rounds: count === undefined ? Number.POSITIVE_INFINITY : readCount("count", count, 1),
    intervalMs: readTime("interval", textOf(values, "interval") ?? "1s", 0),
    metrics: metrics === undefined ? undefined : readListenAddress("metrics", metrics),
  };
}

function readFamily(values: Values): 0 | 4 | 6 {
  if (values.has("ipv4") && values.has("ipv6")) throw new UsageError("give -4 or -6, not both");
  return values.has("ipv4") ? 4 : values.has("ipv6") ? 6 : 0;
}

function readProxy(values: Values): string | undefined {
  const proxy = textOf(values, "proxy");
  if (proxy !== undefined && values.has("no-proxy")) throw new UsageError("give --proxy or --no-proxy, not both");
  return proxy;
}

function readTls(values: Values): TlsSettings {
  const [certFile, keyFile] = [textOf(values, "cert"), textOf(values, "key")];
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new UsageError("--cert and --key must be given together");
  return {
    serverName: textOf(values, "servername"),
    caFile: textOf(values, "ca"),
    certFile,
    keyFile,
    alpn: readAlpn(textOf(values, "alpn")),
  };
}

function readAlpn(text: string | undefined): readonly string[] | undefined {
  const names = text?.split(",");
  const isName = (name: string) => name !== "" && Buffer.byteLength(name) <= 255;
  if (names?.every(isName) === false) {
    throw new UsageError("--alpn must be names of 1 to 255 bytes, separated by commas, such as h2,http/1.1");
  }
  return names;
}

function readMethod(method = "GET"): "GET" | "HEAD" {
  const upper = method.toUpperCase();
  if (upper !== "GET" && upper !== "HEAD") throw new UsageError("--method must be GET or HEAD");
  return upper;
}
