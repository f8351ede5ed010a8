/**
 * Three workers share the jobs of one subject as a queue group, each over its own connection. One is killed with
 * unfinished jobs, which are requested again. Another leaves gracefully and finishes its jobs. In the end every job is
 * done.
 *
 *   npm run build && node --import tsx examples/nats-queue-workers.ts
 */
import { setTimeout as sleep } from "node:timers/promises";
import { errors } from "@nats-io/transport-node";
import { connect, natsLog } from "dialtrace/nats";
import { startNats } from "./support/nats.ts";
import { until } from "./support/until.ts";

await using server = await startNats("jobs");
const done = new Map<string, string[]>(); // workers that have done each job
const repeated = new Set<string>(); // jobs that were requested again, which a slow worker may do, too

/** Takes jobs, one at a time, and answers each when it is done. */
async function startWorker(name: string) {
  const nc = await connect({ name, servers: server.address, trace: natsLog() });
  const jobs = nc.subscribe("jobs", { queue: "workers" }); // the same queue name: each job goes to one member of the group
  let isKilled = false;
  const working = (async () => {
    for await (const job of jobs) {
      await sleep(20); // the work
      if (isKilled) return;
      done.set(job.string(), [...(done.get(job.string()) ?? []), name]);
      job.respond(name);
    }
  })();
  await nc.flush(); // The server has the subscription now.
  return {
    /** Leaves gracefully: takes no new jobs, finishes the current ones and sends their answers. */
    async leave() {
      await jobs.drain();
      await working; // `nc.drain()` alone would not wait for the loop.
      await nc.drain();
    },
    /** Ends like a program that crashes. */
    async kill() {
      isKilled = true;
      await nc.close();
    },
  };
}

const [ann, ben, cat] = [await startWorker("ann"), await startWorker("ben"), await startWorker("cat")];
const boss = await connect({ name: "boss", servers: server.address });

/** Requests a job, and again after the timeout: a dead worker never answers. */
async function request(job: string): Promise<void> {
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    try {
      await boss.request("jobs", job, { timeout: 2_000 });
      return;
    } catch (error) {
      if (!(error instanceof errors.TimeoutError)) throw error;
      console.log(`boss  has no answer to ${job}: requests it again`);
      repeated.add(job);
    }
  }
  throw new Error(`no worker has done ${job}`);
}

const jobs = Array.from({ length: 36 }, (_, index) => `job ${index + 1}`);
console.log(`\nboss  requests ${jobs.length} jobs`);
const all = Promise.all(jobs.map(request));

await until(() => done.size >= 4 && [...done.values()].flat().includes("ann"), "some to be done");
console.log("\nOne worker is killed, another leaves:");
await ann.kill();
await until(() => done.size >= 12, "some more to be done");
await ben.leave();
await all;

console.log("\nAll jobs are done:");
await Promise.all([cat.leave(), boss.drain()]);
for (const name of ["ann", "ben", "cat"]) {
  console.log(`${name}   has done ${[...done.values()].filter((workers) => workers.includes(name)).length} jobs`);
}
const once = jobs.filter((job) => done.get(job)?.length === 1 || (done.has(job) && repeated.has(job))).length;
console.log(`boss  ${once} of ${jobs.length} jobs were done by one worker each, or requested again (${repeated.size})`);
if (once < jobs.length) process.exitCode = 1; // Make jobs idempotent: a requested repetition may find the first one done.
