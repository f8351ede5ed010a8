/**
 * Runs the tests: all of them, or the files named. Installs first what they need beyond npm.
 *
 *   npm test
 *   npm test -- test/core/target.test.ts
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { skipLong } from "./consumer.ts";
import { needDebianPackage, needFixture } from "./tools.ts";

needDebianPackage("nats-server", "nats-server");
needDebianPackage("openssl", "openssl");
needDebianPackage("tinyproxy", "tinyproxy");
needDebianPackage("microsocks", "microsocks");
needDebianPackage("redis-server", "redis-server");
needDebianPackage("promtool", "prometheus");
needDebianPackage("chromium", "chromium");
if (process.platform === "linux" && process.getuid?.() === 0) {
  // Slow links and black holes are made in network namespaces.
  needDebianPackage("ip", "iproute2");
  needDebianPackage("python3", "python3");
}
needFixture("test/otel-sdk-3", [22, 15], "OpenTelemetry's SDK 3");
if (skipLong) console.log(`test/consumers: what ${skipLong} is skipped here`);

const named = process.argv.slice(2);
const files = named.length > 0 ? named : testFiles("test");
const { status } = spawnSync(
  process.execPath,
  ["--import", "tsx", "--test", "--test-concurrency=2", "--test-timeout=120000", ...files],
  { stdio: "inherit" },
);
process.exitCode = status ?? 1;

function testFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts") && !name.includes("node_modules"))
    .map((name) => join(folder, name))
    .sort();
}
