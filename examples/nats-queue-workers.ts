/**
 * Three workers share the jobs of one subject as a queue group, each over a connection of its own. One
 * is killed with jobs in its hands, which are asked for again; another leaves gracefully and finishes
 * what it has taken. At the end every job was done, by one worker.
 *
 *   npm run build && node --import tsx examples/nats-queue-workers.ts
 */
import { setTimeout as sleep } from "node:timers/promises";
import { errors } from "@nats-io/transport-node";
import { connect, natsLog } from "dialtrace/nats";
import { startNats } from "./support/nats.ts";
import { until } from "./support/until.ts";

await using server = await startNats("jobs");
const done = new Map<string, string[]>(); // who has done it, by job

/** Takes jobs, one at a time, and answers each when it is done. */
async function startWorker(name: string) {
  const nc = await connect({ name, servers: server.address, trace: natsLog() });
  const jobs = nc.subscribe("jobs", { queue: "workers" }); // the same name: each job goes to one of the group
  let isKilled = false;
  const working = (async () => {
    for await (const job of jobs) {
      await sleep(20); // the work
      if (isKilled) return;
      done.set(job.string(), [...(done.get(job.string()) ?? []), name]);
      job.respond(name);
    }
  })();
  await nc.flush(); // The server knows of the subscription now.
  return {
    /** Leaves as a program should: no new jobs, those taken finished, their answers sent. */
    async leave() {
      await jobs.drain();
      await working; // `nc.drain()` alone would not wait for the loop.
      await nc.drain();
    },
    /** Ends as a program that crashes. */
    async kill() {
      isKilled = true;
      await nc.close();
    },
  };
}

const [ann, ben, cat] = [await startWorker("ann"), await startWorker("ben"), await startWorker("cat")];
const boss = await connect({ name: "boss", servers: server.address });
let repeated = 0;

/** Has a job done. A worker that has died never answers: after the timeout it is asked for again. */
async function request(job: string): Promise<void> {
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    try {
      await boss.request("jobs", job, { timeout: 2_000 });
      return;
    } catch (error) {
      if (!(error instanceof errors.TimeoutError)) throw error;
      console.log(`boss  has no answer to ${job}: asks again`);
      repeated += 1;
    }
  }
  throw new Error(`nobody does ${job}`);
}

const jobs = Array.from({ length: 36 }, (_, index) => `job ${index + 1}`);
console.log(`\nboss  asks for ${jobs.length} jobs`);
const all = Promise.all(jobs.map(request));

await until(() => done.size >= 4, "some to be done");
console.log("\nOne worker is killed, another leaves:");
await ann.kill();
await until(() => done.size >= 12, "some more to be done");
await ben.leave();
await all;

console.log("\nAll is done:");
await Promise.all([cat.leave(), boss.drain()]);
for (const name of ["ann", "ben", "cat"]) {
  console.log(`${name}   has done ${[...done.values()].filter((who) => who.includes(name)).length} jobs`);
}
const once = jobs.filter((job) => done.get(job)?.length === 1).length;
console.log(`boss  ${once} of ${jobs.length} jobs were done by one worker each, ${repeated} were asked for again`);
// A worker that is late, not dead, would make it two: let jobs be such that twice does no harm.
if (once < jobs.length) process.exitCode = 1;
