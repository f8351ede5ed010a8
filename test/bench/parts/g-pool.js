// @ts-check
import { microseconds } from "../report.js";

export const title = "A connection over loopback, dialed or leased from a pool";

const format = microseconds(2);
const pools = ["generic-pool", "tarn", "pool()"];

/** @param {import("../part.js").Bench} bench */
export async function run({ quick, compare }) {
  await compare({
    title,
    contenders: [
      { label: "tcp()", name: "pool-hit", variant: "dial" },
      { label: "pool(), a hit", name: "pool-hit", variant: "hit" },
    ],
    plan: { rounds: quick ? 1 : 5, slices: quick ? 2 : 8, warmUp: quick ? 2_000 : 5_000, n: quick ? 500 : 1_000 },
    format,
    aim: { of: "pool(), a hit", atMost: 1 / 30 },
  });
  await compare({
    subtitle: "Acquire and release, one after the other, without dialing",
    contenders: pools.map((variant) => ({ label: variant, name: "pool-lend", variant })),
    plan: { rounds: quick ? 1 : 5, slices: quick ? 2 : 8, warmUp: quick ? 5_000 : 20_000, n: quick ? 2_000 : 5_000 },
    format,
    aim: { of: "pool()", atMost: 2 },
  });
  for (const size of [1_000, 10_000, 100_000]) {
    // tarn takes minutes for 100,000, since it searches a list for each.
    const able = pools.filter((variant) => size < 100_000 || variant !== "tarn");
    await compare({
      subtitle: `${size.toLocaleString("en")} acquires waiting for one connection, per acquire`,
      contenders: able.map((variant) => ({ label: variant, name: "pool-waiters", variant })),
      plan: { rounds: quick ? 1 : 3, slices: quick ? 1 : 4, warmUp: 10_000, n: size },
      format,
      aim: { of: "pool()", atMost: 2 },
    });
  }
}
