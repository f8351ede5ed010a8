import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { temporaryFolder } from "./temporary.ts";

/** A folder with a program and the package, installed from its tarball. */
export interface Consumer {
  readonly folder: string;
  /** Writes files; the keys are paths relative to the folder. */
  write(files: Readonly<Record<string, string>>): void;
  /** Runs a command in the folder, with further environment variables; rejects with its output when it fails. */
  run(command: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Output>;
}

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** The peer dependencies of the entries. A consumer without npm uses those of this repository. */
const { peerDependencies, devDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
const peers = Object.keys(peerDependencies);

/**
 * `false`, or the reason to skip the tests that install tools, which take minutes. They run in CI and on demand:
 * `DIALTRACE_CONSUMERS=1 npm test -- test/consumers/*.test.ts`.
 */
export const skipLong: false | string =
  process.env.CI === "true" || process.env.DIALTRACE_CONSUMERS === "1"
    ? false
    : "tests that install tools run only with CI=true or DIALTRACE_CONSUMERS=1";

/** Packs the package from `dist`. Returns the path of the tarball and npm's output. */
export async function pack(): Promise<{ tarball: string; said: string }> {
  const folder = temporaryFolder();
  const args = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder];
  const { stdout, stderr } = await run(process.cwd(), "npm", args);
  // npm 10 and 11 print an array of tarballs, npm 12 an object with their names as keys.
  const [packed] = Object.values(JSON.parse(stdout)) as { filename: string }[];
  if (packed === undefined) throw new Error(`npm pack created no tarball: ${stdout}`);
  return { tarball: join(folder, packed.filename), said: stderr };
}

/** A consumer that uses the packages of this repository; it takes a second to create. */
export async function unpackedConsumer(): Promise<Consumer> {
  const consumer = newConsumer();
  const { tarball } = await pack();
  const modules = join(consumer.folder, "node_modules");
  mkdirSync(join(modules, "dialtrace"), { recursive: true });
  await run(consumer.folder, "tar", ["-xzf", tarball, "--strip-components=1", "-C", join(modules, "dialtrace")]);
  for (const name of [...peers, "@nats-io/nats-core", "@types/node", "@types/ws"]) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(resolve("node_modules", name), join(modules, name));
  }
  return consumer;
}

/** A consumer with the package, its peers and `tools` installed by npm, `tools` at the versions given. */
export async function installedConsumer(tools: Readonly<Record<string, string>>): Promise<Consumer> {
  const consumer = newConsumer();
  const { tarball } = await pack();
  const versions = Object.fromEntries(peers.map((name) => [name, devDependencies[name]]));
  const dependencies = { dialtrace: `file:${tarball}`, ...versions, ...tools };
  consumer.write({ "package.json": JSON.stringify({ private: true, dependencies }) });
  await consumer.run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"]);
  return consumer;
}

function newConsumer(): Consumer {
  const folder = temporaryFolder();
  const write = (files: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
  };
  write({ "package.json": JSON.stringify({ private: true }) });
  return { folder, write, run: (command, args, env) => run(folder, command, args, env) };
}

/** Runs a command without the environment variables of this repository's tests. */
export async function run(
  folder: string,
  command: string,
  args: readonly string[],
  added: NodeJS.ProcessEnv = {},
): Promise<Output> {
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, FORCE_COLOR: ___, ...inherited } = process.env;
  const env = { ...inherited, NO_COLOR: "1", ...added };
  try {
    return await promisify(execFile)(command, args, { cwd: folder, env, timeout: 240_000, maxBuffer: 2 ** 25 });
  } catch (error) {
    const { message, stdout } = error as Error & Output;
    throw new Error(`${message}\n${stdout}`);
  }
}
