// @ts-check
import { startNats } from "../peers.js";
import { microseconds, perMillisecond } from "../report.js";

export const title = "NATS: messages of 128 bytes, published and received";

const contenders = [
  { label: "@nats-io/transport-node", name: "nats", variant: "stock" },
  { label: "dialtrace/nats, full stack", name: "nats", variant: "dialtrace" },
];

/** @param {import("../part.js").Bench} bench */
export async function run({ quick, heading, compare }) {
  const server = await startNats();
  if (server === undefined) {
    heading();
    console.log("  skipped: nats-server is not on the PATH");
    return;
  }
  try {
    const plan = {
      rounds: quick ? 1 : 5,
      slices: quick ? 3 : 12,
      warmUp: quick ? 20_000 : 50_000,
      n: quick ? 10_000 : 30_000,
      port: server.port,
    };
    await compare({
      title,
      contenders,
      plan,
      format: perMillisecond(0),
      isRate: true,
      aim: { of: "dialtrace/nats, full stack", atLeast: 0.98 },
    });
    await compare({
      subtitle: "Processor time of the client per message",
      contenders,
      plan: { ...plan, rounds: quick ? 1 : 3, measure: "cpu" },
      format: microseconds(2),
    });
  } finally {
    await server.stop();
  }
}
