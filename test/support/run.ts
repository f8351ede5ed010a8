/**
 * Runs all tests, or the given files and folders. First installs the servers and tools that they need.
 *
 *   npm test
 *   npm test -- test/core/target.test.ts test/nats
 *
 * Tests that import their NATS client from support/nats-line.ts run twice: with transport-node and with `nats` 2.x.
 * `DIALTRACE_NATS_LINE` selects one of them, `v3` or `v2`. `NATS_SERVER` is the path of the nats-server to test with.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { skipLong } from "./consumer.ts";
import { needDebianPackage, needFixture } from "./tools.ts";

needDebianPackage("nats-server", "nats-server");
needDebianPackage("openssl", "openssl");
needDebianPackage("tinyproxy", "tinyproxy");
needDebianPackage("microsocks", "microsocks");
needDebianPackage("redis-server", "redis-server");
needDebianPackage("mosquitto", "mosquitto");
needDebianPackage("memcached", "memcached");
needDebianPackage("rabbitmq-server", "rabbitmq-server");
needDebianPackage("nginx", "nginx-light");
needDebianPackage("curl", "curl");
needDebianPackage("pg_ctlcluster", "postgresql");
needDebianPackage("mariadbd", "mariadb-server");
needDebianPackage("promtool", "prometheus");
needDebianPackage("chromium", "chromium");
if (process.platform === "linux" && process.getuid?.() === 0) {
  // Slow links and black holes are created in network namespaces.
  needDebianPackage("ip", "iproute2");
  needDebianPackage("python3", "python3");
}
needFixture("test/otel-sdk-3", [22, 15], "OpenTelemetry's SDK 3");
if (skipLong) console.log(`test/consumers: ${skipLong}`);

/**
 * Test files that run at the same time. A file waits for servers and timers about half of its time, except the long ones,
 * whose compilers and bundlers use all cores.
 */
const concurrency = skipLong ? availableParallelism() + 6 : 2 * availableParallelism();
const loader = new URL("typescript.js", import.meta.url).href;

const named = process.argv.slice(2);
const files = (named.length > 0 ? named : ["test"]).flatMap(testFiles);
const line = process.env.DIALTRACE_NATS_LINE;
const parent = process.ppid;
let endedBy: NodeJS.Signals | undefined;
const passed = [
  line === "v2" || (await run(files)),
  line === "v3" || (await run(files.filter(choosesNatsLine), { DIALTRACE_NATS_LINE: "v2" })),
];
process.exitCode = passed.every(Boolean) ? 0 : 1;

/** Runs `files` and returns whether every test passed. A signal ends the tests, too, and no further ones start. */
async function run(files: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<boolean> {
  if (files.length === 0 || endedBy !== undefined) return endedBy === undefined;
  const tests = spawn(
    process.execPath,
    [
      ...["--import", loader, "--test", `--test-concurrency=${concurrency}`, "--test-timeout=300000"],
      ...["--test-reporter=./test/support/line-reporter.js", "--test-reporter-destination=stdout"],
      ...files,
    ],
    { stdio: "inherit", env: { ...process.env, ...env } },
  );
  const end = (signal: NodeJS.Signals) => {
    endedBy = signal;
    tests.kill(signal);
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, end);
  // npm passes a signal on to its shell only.
  const orphaned = setInterval(() => process.ppid === parent || end("SIGTERM"), 500);
  const [status] = await once(tests, "exit");
  clearInterval(orphaned);
  for (const signal of signals) process.off(signal, end);
  return status === 0;
}

function choosesNatsLine(file: string): boolean {
  return /support\/nats-(line|client)\.ts"/.test(readFileSync(file, "utf8"));
}

function testFiles(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts") && !name.includes("node_modules"))
    .map((name) => join(path, name))
    .sort();
}
