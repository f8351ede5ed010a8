// @ts-check
import { microseconds } from "../report.js";

export const title = "A TCP connect over loopback in a process that observeProcess observes with metrics";

const observed = "net.connect, observed";

/** @param {import("../part.js").Bench} bench */
export async function run({ quick, compare }) {
  await compare({
    title,
    contenders: [
      { label: "net.connect", name: "tcp-bare" },
      { label: observed, name: "tcp-observed" },
    ],
    plan: {
      rounds: quick ? 1 : 5,
      slices: quick ? 4 : 16,
      warmUp: quick ? 2_000 : 10_000,
      n: quick ? 300 : 500,
      // Processor time: other load on the machine disturbs the small difference less.
      measure: "cpu",
    },
    format: microseconds(1),
    aim: { of: observed, atMost: 1.05 },
  });
}
