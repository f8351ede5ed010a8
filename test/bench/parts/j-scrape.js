// @ts-check
import { milliseconds } from "../report.js";

export const title = "A scrape of 200 dialers, each with timeout, retry and tcp(), before their first dials";

/** @param {import("../part.js").Bench} bench */
export async function run({ quick, compare }) {
  const contenders = [
    { label: "as many series by hand, with prom-client", name: "scrape", variant: "by hand" },
    { label: "withPrometheus", name: "scrape", variant: "dialtrace" },
  ];
  const base = process.env.DIALTRACE_BENCH_BASE;
  if (base !== undefined) contenders.unshift({ label: `withPrometheus of ${base}`, name: "scrape", variant: "base" });
  await compare({
    title,
    contenders,
    plan: { rounds: quick ? 1 : 3, slices: quick ? 2 : 4, warmUp: 3, n: 3 },
    format: milliseconds(1),
    aim: { of: "withPrometheus", atMost: base === undefined ? 1 : 0.5 },
  });
}
