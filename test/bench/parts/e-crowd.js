// @ts-check
import { perMillisecond } from "../report.js";

export const title = "2,000 concurrent TCP connects over loopback";

/** @param {import("../part.js").Bench} bench */
export async function run({ quick, compare }) {
  await compare({
    title,
    contenders: [
      { label: "net.connect", name: "tcp-crowd", variant: "bare" },
      { label: "tcp()", name: "tcp-crowd", variant: "tcp" },
    ],
    plan: { rounds: quick ? 1 : 3, slices: quick ? 1 : 2, warmUp: 2_000, n: 2_000 },
    format: perMillisecond(1),
    isRate: true,
    aim: { of: "tcp()", atLeast: 0.95 },
  });
}
