import type { Target } from "../core/target.ts";
import { readPattern, type TargetMatch } from "../process/target-pattern.ts";
import { nearMiss } from "../support/near-miss.ts";
import { show } from "../support/validate.ts";

/** Where a server listens. */
export interface ListenPlace {
  readonly host: string;
  /** 0 to 65535; 0 chooses a free port. */
  readonly port: number;
}

/** Settings read from the environment variables. */
export interface RegisterSettings {
  readonly off: boolean;
  readonly metrics: ListenPlace | undefined;
  readonly page: ListenPlace | undefined;
  readonly log: "lines" | "pretty" | undefined;
  readonly naming: Naming | undefined;
  readonly ignore: TargetMatch | undefined;
  /** A line for each value that cannot be used. */
  readonly problems: readonly string[];
}

/** The names of targets. */
export interface Naming {
  readonly name: (target: Target) => string;
  /** The names of the patterns. */
  readonly knownNames: readonly string[];
}

const variables = [
  "DIALTRACE",
  "DIALTRACE_METRICS",
  "DIALTRACE_PAGE",
  "DIALTRACE_LOG",
  "DIALTRACE_NAMES",
  "DIALTRACE_IGNORE",
];

/** Values that turn a variable off, as an empty one does. */
const offValues = ["off", "false", "no"];

/** Reads the variables. A value that cannot be used is a problem, and its variable counts as unset. */
export function readSettings(env: NodeJS.ProcessEnv): RegisterSettings {
  const problems: string[] = [];
  for (const name of Object.keys(env)) {
    if (!name.startsWith("DIALTRACE") || variables.includes(name)) continue;
    const meant = nearMiss(name, variables);
    if (meant !== undefined) problems.push(`unknown variable ${name}; did you mean ${meant}?`);
  }
  const read = <T>(name: string, reader: (value: string) => T | string): T | undefined => {
    const value = env[name]?.trim() ?? "";
    if (value === "" || offValues.includes(value.toLowerCase())) return undefined;
    const found = reader(value);
    if (typeof found !== "string") return found;
    problems.push(`${name} ${found}, got ${show(value)}`);
    return undefined;
  };
  return {
    off: readSwitch(env.DIALTRACE, problems),
    metrics: read("DIALTRACE_METRICS", readPlace),
    page: read("DIALTRACE_PAGE", readPlace),
    log: read("DIALTRACE_LOG", readLog)?.log,
    naming: read("DIALTRACE_NAMES", readNames),
    ignore: read("DIALTRACE_IGNORE", readIgnore),
    problems,
  };
}

function readSwitch(given: string | undefined, problems: string[]): boolean {
  const value = given?.trim().toLowerCase() ?? "";
  if (["", "1", "on", "true", "yes"].includes(value)) return false;
  if (value === "0" || offValues.includes(value)) return true;
  problems.push(`DIALTRACE must be on or off, got ${show(given)}`);
  return false;
}

/** `port`, `host:port` or `[v6]:port`. */
function readPlace(value: string): ListenPlace | string {
  const [, bracketed, plain, digits] = /^(?:\[([\da-f:.]+)\]:|([^:[\]/\s]+):)?(\d{1,5})$/i.exec(value) ?? [];
  const port = Number(digits);
  if (!(port <= 65_535)) return "must be a port from 0 to 65535, or host:port";
  return { host: bracketed ?? plain ?? "127.0.0.1", port };
}

function readLog(value: string): { readonly log: RegisterSettings["log"] } | string {
  switch (value.toLowerCase()) {
    case "0":
      return { log: undefined };
    case "1":
    case "on":
    case "true":
      return { log: "lines" };
    case "pretty":
      return { log: "pretty" };
    default:
      return "must be 1 or pretty";
  }
}

/** The name of targets that no pattern matches. */
const defaultName = "default";

function readNames(value: string): Naming | string {
  const rules: { readonly matches: TargetMatch; readonly name: string }[] = [];
  for (const entry of value.split(",")) {
    const at = entry.lastIndexOf("=");
    const matches = readPattern(entry.slice(0, Math.max(0, at)).trim());
    const name = entry.slice(at + 1).trim();
    if (at < 0 || matches === undefined || name === "" || name.length > 128) {
      return "must be pattern=name, separated by commas, such as *:5432=orders";
    }
    rules.push({ matches, name });
  }
  return {
    name: (target) => rules.find(({ matches }) => matches(target))?.name ?? defaultName,
    knownNames: rules.map(({ name }) => name),
  };
}

function readIgnore(value: string): TargetMatch | string {
  const patterns: TargetMatch[] = [];
  for (const entry of value.split(",")) {
    const matches = readPattern(entry.trim());
    if (matches === undefined) return "must be patterns of targets, separated by commas, such as *.internal:443";
    patterns.push(matches);
  }
  return (target) => patterns.some((matches) => matches(target));
}
