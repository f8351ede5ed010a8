import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Result } from "../consumers/runtimes/checks.ts";
import type { Stage } from "../consumers/runtimes/stage.ts";
import { type Consumer, run, skipLong, unpackedConsumer } from "./consumer.ts";
import { temporaryFolder } from "./temporary.ts";
import { findCommand } from "./tools.ts";

export type RuntimeName = "bun" | "deno";

/** The npm packages that contain the binaries. The packages `bun` and `deno` select one of them in an install script. */
const binaries = {
  bun: { package: "@oven/bun-linux-x64", version: "1.4.5", file: "bin/bun" },
  deno: { package: "@deno/linux-x64-glibc", version: "2.9.6", file: "deno" },
} as const;

/**
 * The command of a runtime at the tested version: the one on the PATH, else one that is installed if the long tests run.
 *
 * @returns a reason to skip tests, in `missing`, if there is none.
 */
export function runtimeCommand(name: RuntimeName): Promise<RuntimeCommand> {
  commands[name] ??= findOrInstall(name);
  return commands[name];
}

type RuntimeCommand = { readonly command: string } | { readonly missing: string };

/** Each runtime is installed once per process. */
const commands: Partial<Record<RuntimeName, Promise<RuntimeCommand>>> = {};

async function findOrInstall(name: RuntimeName): Promise<RuntimeCommand> {
  const { package: packageName, version, file } = binaries[name];
  const found = findCommand(name);
  if (found !== undefined && versionOf(found) === version) return { command: found };
  if (skipLong) return { missing: `${name} ${version} is not on the PATH; ${skipLong}` };
  if (process.platform !== "linux" || process.arch !== "x64") return { missing: "needs Linux on x64" };
  const folder = temporaryFolder();
  const flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"];
  await run(folder, "npm", ["install", "--prefix", folder, ...flags, `${packageName}@${version}`]);
  return { command: join(folder, "node_modules", packageName, file) };
}

function versionOf(command: string): string | undefined {
  return /\d+\.\d+\.\d+/.exec(execFileSync(command, ["--version"], { encoding: "utf8" }))?.[0];
}

/** Arguments with which Deno runs a program, or tests, without fetching anything. */
export const denoFlags = ["--allow-all", "--no-check", "--no-remote", "--cached-only"];

const checksFolder = "test/consumers/runtimes";

/** A consumer of the packed package with the checks as its program. */
export async function checksConsumer(): Promise<Consumer> {
  const consumer = await unpackedConsumer();
  const files = readdirSync(checksFolder).map((name) => [name, throughEntries(join(checksFolder, name))]);
  consumer.write({ "package.json": JSON.stringify({ private: true, type: "module" }), ...Object.fromEntries(files) });
  return consumer;
}

/** The text of a program with the entries of the package in place of their sources. */
function throughEntries(file: string): string {
  const from = /from "(?:\.\.\/)+src\/([\w-]+)\.ts"/g;
  return readFileSync(file, "utf8").replaceAll(from, (_, entry) =>
    entry === "index" ? 'from "dialtrace"' : `from "dialtrace/${entry}"`,
  );
}

const typeScript = fileURLToPath(import.meta.resolve("tsx"));

/** Runs the checks with a runtime, or with this Node.js, and returns their results in order. */
export async function checkResults(
  consumer: Consumer,
  stage: Stage,
  runtime: { readonly name: RuntimeName; readonly command: string } | "node",
): Promise<readonly Result[]> {
  consumer.write({ "stage.json": JSON.stringify(stage) });
  const [command, args]: [string, readonly string[]] =
    runtime === "node"
      ? [process.execPath, ["--import", typeScript]]
      : [runtime.command, runtime.name === "deno" ? ["run", ...denoFlags] : []];
  const { stdout } = await consumer.run(command, [...args, "main.ts"]);
  return stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
}
