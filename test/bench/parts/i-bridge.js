// @ts-check
import { microseconds } from "../report.js";

export const title = "Sending 64 kB pieces over loopback, all ends in one process";

const contenders = [
  { label: "net.connect", name: "bridge", variant: "direct" },
  { label: "… through a bridge over TCP", name: "bridge", variant: "tcp" },
  { label: "… through a bridge over a unix socket", name: "bridge", variant: "unix" },
];

/** @param {import("../part.js").Bench} bench */
export async function run({ quick, compare }) {
  const plan = { rounds: quick ? 1 : 3, slices: quick ? 2 : 8, warmUp: quick ? 500 : 2_000, n: quick ? 500 : 1_000 };
  await compare({
    title,
    contenders,
    plan,
    format: (rate) => `${(rate * 65_536e3).toFixed(0)} MB/s`,
    isRate: true,
  });
  await compare({
    subtitle: "A round trip of 64 bytes",
    contenders: contenders.map((each) => ({ ...each, name: "bridge-trip" })),
    plan: { ...plan, warmUp: quick ? 2_000 : 5_000 },
    format: microseconds(1),
  });
}
