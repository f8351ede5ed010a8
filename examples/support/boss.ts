import { errors } from "@nats-io/transport-node";
import { connect } from "dialtrace/nats";

/** Requests jobs. */
export interface Boss extends AsyncDisposable {
  /** Requests three more jobs, waits for all replies, and prints the totals. */
  sum(): Promise<void>;
}

/** Requests three jobs every 150 ms over its own connection, and counts the outcomes. */
export async function startBoss(servers: string): Promise<Boss> {
  const nc = await connect({ name: "boss", servers });
  const count = { done: 0, refused: 0, lost: 0 };
  const asked: Promise<void>[] = [];

  async function askOnce() {
    try {
      await nc.request("jobs", "", { timeout: 4_000 });
      count.done += 1;
    } catch (error) {
      const isRefused = error instanceof errors.RequestError && error.isNoResponders();
      count[isRefused ? "refused" : "lost"] += 1;
    }
  }
  const ask = () => asked.push(askOnce(), askOnce(), askOnce());
  const timer = setInterval(ask, 150);

  return {
    async sum() {
      clearInterval(timer);
      ask();
      await Promise.all(asked);
      console.log(`boss    ${count.done} jobs done, ${count.refused} found no worker, ${count.lost} lost`);
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await nc.close();
    },
  };
}
