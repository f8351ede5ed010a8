/**
 * A worker that shuts down gracefully. On SIGTERM or SIGINT it takes no new jobs, finishes its current ones, sends their
 * answers and closes, within a deadline. A second signal ends it at once. In this example it sends itself the first signal
 * after two seconds; with `--stay` it works until Ctrl-C.
 *
 *   npm run build && node --import tsx examples/nats-graceful-shutdown.ts [--stay]
 */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, natsLog } from "dialtrace/nats";
import { startBoss } from "./support/boss.ts";
import { startNats } from "./support/nats.ts";

const deadlineMs = 5_000; // less than the time between SIGTERM and SIGKILL: 10 s in Docker, 30 s in Kubernetes
const stop = new AbortController();
const stopped = once(stop.signal, "abort");
process.on("SIGTERM", shutDown).on("SIGINT", shutDown);

function shutDown(signal: NodeJS.Signals): void {
  process.off("SIGTERM", shutDown).off("SIGINT", shutDown); // The next signal has its default effect.
  console.log(`worker  ${signal}: finishes its jobs`);
  setTimeout(() => {
    console.error(`worker  could not finish within ${deadlineMs} ms`);
    process.exit(1);
  }, deadlineMs).unref();
  stop.abort();
}

async function work(servers: string): Promise<void> {
  const nc = await connect({
    servers,
    signal: stop.signal, // ends the first connect, or an outage: without a connection nothing can be finished
    maxReconnectAttempts: -1,
    trace: natsLog(),
  });
  const jobs = nc.subscribe("jobs", { queue: "workers" });
  const working = (async () => {
    for await (const job of jobs) {
      await sleep(30); // the work
      job.respond("done");
    }
  })();
  await Promise.race([stopped, working]);
  if (nc.isClosed()) throw stop.signal.reason ?? new Error("the client has given up");

  await jobs.drain(); // The server sends no new jobs.
  await working; // The received jobs are done. `nc.drain()` alone would not wait for the loop.
  await nc.drain(); // The answers are sent, and the client is closed.
}

await using server = await startNats("jobs");
await using boss = await startBoss(server.address); // requests jobs
if (!process.argv.includes("--stay")) {
  setTimeout(() => stop.signal.aborted || process.kill(process.pid, "SIGTERM"), 2_000).unref();
}
try {
  await work(server.address);
} catch (error) {
  if (error !== stop.signal.reason) throw error;
  console.log("worker  had no connection for a drain");
}
await boss.sum();
