import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";

/** How the command is run. */
export interface CliOptions {
  /** Added to an environment without proxies. */
  readonly env?: Readonly<Record<string, string>>;
  /** Addresses of names. */
  readonly names?: Readonly<Record<string, readonly string[]>>;
  /** Puts the command into another place, such as a network. */
  readonly wrap?: (command: readonly string[]) => readonly string[];
  /** Modules to load first. */
  readonly preload?: readonly string[];
  /** Columns of a pseudo-terminal to run it under; otherwise its output is a pipe. */
  readonly columns?: number;
  /** The script to run. @defaultValue that of `dist` */
  readonly script?: string;
}

/** The end of a run. */
export interface CliResult {
  readonly code: number | null;
  /** Under a pseudo-terminal also what it wrote to standard error. */
  readonly stdout: string;
  readonly stderr: string;
}

/** A running command. */
export interface RunningCli {
  readonly child: ChildProcess;
  /** What it has written to standard output so far. */
  readonly output: string;
  /** Waits until the output matches. */
  until(pattern: RegExp): Promise<void>;
  /** Resolves when it has ended. */
  readonly ended: Promise<CliResult>;
}

const longMs = 120_000;
const proxies = /_proxy$/i;

/** Starts the command. */
export function startCli(args: readonly string[], options: CliOptions = {}): RunningCli {
  const { env = {}, names, columns, script = resolve("dist/cli.js") } = options;
  const own = Object.entries(process.env).filter(
    ([name]) => !proxies.test(name) && !/^(NO_COLOR|COLUMNS|FORCE_COLOR)$/.test(name),
  );
  const preload = [...(names === undefined ? [] : [resolve("test/support/cli-names.js")]), ...(options.preload ?? [])];
  const { wrap = (whole) => whole } = options;
  const command = wrap([process.execPath, ...preload.flatMap((module) => ["--import", module]), script, ...args]);
  const [file = "", ...rest] =
    columns === undefined ? command : ["python3", resolve("test/support/terminal.py"), String(columns), ...command];
  const child = spawn(file, rest, {
    env: { ...Object.fromEntries(own), TERM: "xterm", CLI_NAMES: JSON.stringify(names ?? {}), ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const collected = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      collected[name] += text;
    });
  }
  const timer = setTimeout(() => child.kill("SIGKILL"), longMs).unref();
  const ended = once(child, "close").then(([code]) => {
    clearTimeout(timer);
    return { code: code as number | null, ...collected };
  });
  return {
    child,
    get output() {
      return collected.stdout;
    },
    async until(pattern) {
      const deadline = Date.now() + longMs;
      while (!pattern.test(collected.stdout)) {
        if (child.exitCode !== null || Date.now() > deadline) {
          child.kill("SIGKILL");
          throw new Error(`the output never matched ${pattern}:\n${collected.stdout.slice(-2000)}${collected.stderr}`);
        }
        await new Promise((done) => setTimeout(done, 5));
      }
    },
    ended,
  };
}

/** Runs the command to its end. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const { child, ended } = startCli(args, options);
  // Under a pseudo-terminal an end of the input is no Ctrl-D.
  child.stdin?.end();
  return ended;
}

/** The objects of `--json`. */
// biome-ignore lint/suspicious/noExplicitAny: tests read what the command printed.
export function jsonLines(text: string): any[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}
