// @ts-check
import { microseconds } from "../report.js";

export const title = "A TCP connect over loopback, both ends in one process";

/** @param {import("../part.js").Bench} bench */
export async function run({ quick, compare }) {
  await compare({
    title,
    contenders: [
      { label: "net.connect", name: "tcp-bare" },
      { label: "net.connect with noDelay and keepAlive", name: "tcp-bare", variant: "options" },
      { label: "tcp()", name: "tcp-dialtrace", variant: "tcp" },
      { label: "timeout, retry, timeout, tcp()", name: "tcp-dialtrace", variant: "silent" },
      { label: "dialtrace, full stack, tcp()", name: "tcp-dialtrace", variant: "full" },
      { label: "dialtrace, full stack, no noDelay, no keepAlive", name: "tcp-dialtrace", variant: "plain" },
      { label: "by hand as in a, with noDelay and keepAlive", name: "tcp-bare", variant: "by hand" },
      { label: "dialtrace, full stack, with OpenTelemetry's SDK", name: "tcp-dialtrace", variant: "full", sdk: true },
      { label: "by hand, with OpenTelemetry's SDK", name: "tcp-bare", variant: "by hand", sdk: true },
    ],
    plan: {
      rounds: quick ? 1 : 5,
      slices: quick ? 2 : 12,
      warmUp: quick ? 2_000 : 10_000,
      n: quick ? 300 : 500,
    },
    format: microseconds(1),
    aim: { of: "dialtrace, full stack, tcp()", atMost: 1.1 },
  });
}
