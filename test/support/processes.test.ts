import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { endWithThisProcess, freezeProcess, thawProcess } from "./processes.ts";
import { until } from "./resources.ts";

/** Starts a program that imports `from` and calls `start`. Resolves when the servers that it starts answer. */
async function starting(from: string, ...start: readonly string[]): Promise<ChildProcess> {
  const program = `
    import * as servers from "./test/support/${from}.ts";
    await Promise.all([${start.map((name) => `servers.${name}()`).join()}]);
    console.log("started");
    setInterval(() => {}, 1000);
  `;
  const args = ["--import", "./test/support/typescript.js", "--input-type=module", "--eval", program];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"], detached: true });
  await once(createInterface(child.stdout), "line");
  return child;
}

const ps = (...args: readonly string[]): string[] => {
  try {
    return execFileSync("ps", args, { encoding: "utf8" }).trim().split(/\s+/);
  } catch {
    // No such process.
    return [];
  }
};

/** Whether any of the processes runs; one that has ended may stay as a zombie in a container. */
const anyRuns = (pids: readonly string[]) =>
  ps("-o", "stat=", "-p", pids.join()).some((state) => !state.startsWith("Z"));

async function endsWithItsParent(child: ChildProcess, signal: NodeJS.Signals, wholeGroup = false): Promise<void> {
  const started = ps("-o", "pid=", "--ppid", String(child.pid));
  try {
    // A server and its watcher.
    assert.ok(started.length >= 2, started.join());
    const gone = once(child, "exit");
    process.kill(wholeGroup ? -(child.pid ?? 0) : (child.pid ?? 0), signal);
    await gone;
    await until(() => !anyRuns(started), `no process is left of ${started}`);
  } finally {
    child.kill("SIGKILL");
  }
}

for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"] as const) {
  test(`a server of the tests ends when ${signal} ends the tests`, async () => {
    await endsWithItsParent(await starting("servers", "startRedis", "startMicrosocks"), signal);
  });
}

test("a nats-server of the tests ends when SIGKILL ends the tests", async () => {
  await endsWithItsParent(await starting("nats-server", "startNats"), "SIGKILL");
});

test("servers of the tests end when Ctrl-C ends the process group of the tests", async () => {
  await endsWithItsParent(await starting("servers", "startRedis"), "SIGINT", true);
});

test("PostgreSQL ends when SIGKILL ends the tests", async () => {
  await endsWithItsParent(await starting("servers/postgres", "startPostgres"), "SIGKILL");
});

test("RabbitMQ and its epmd end when SIGKILL ends the tests", async () => {
  await endsWithItsParent(await starting("servers/rabbitmq", "startRabbitmq"), "SIGKILL");
});

test("freezeProcess resolves when no thread of the process runs any more", async () => {
  const program = `
    const { Worker } = require("node:worker_threads");
    for (let i = 0; i < 4; i++) new Worker("for (;;);", { eval: true }).once("online", () => console.log("started"));
  `;
  const child = spawn(process.execPath, ["--eval", program], { stdio: ["ignore", "pipe", "inherit"] });
  endWithThisProcess(child);
  const { pid } = child;
  assert.ok(pid !== undefined);
  /** Time that each thread has run, in nanoseconds. */
  const cpuTimes = () =>
    readdirSync(`/proc/${pid}/task`).map(
      (id) => readFileSync(`/proc/${pid}/task/${id}/schedstat`, "latin1").split(" ")[0],
    );
  try {
    await once(createInterface(child.stdout), "line");
    for (let round = 0; round < 8; round += 1) {
      const before = String(cpuTimes());
      await until(() => String(cpuTimes()) !== before, "the process runs");
      await freezeProcess(pid);
      const frozen = cpuTimes();
      await sleep(50);
      assert.deepEqual(cpuTimes(), frozen);
      await thawProcess(pid);
    }
  } finally {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  await thawProcess(pid); // It has ended.
});
