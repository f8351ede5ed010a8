// @ts-check
import { microseconds } from "../report.js";

export const title = "A lazy socket: connects over loopback, both ends in one process";

const time = microseconds(1);
const plain = ["direct", "adopted", "forwarded"];
const secure = ["TLS, direct", "TLS, forwarded"];

/** @param {string} work @param {readonly string[]} hows */
const doing = (work, hows) => hows.map((how) => ({ label: how, name: "lazy-socket", variant: `${work}: ${how}` }));

/** @param {import("../part.js").Bench} bench */
export async function run(bench) {
  const { quick, compare } = bench;
  const base = { rounds: quick ? 1 : 5, slices: quick ? 2 : 8, warmUp: 3_000 };
  await compare({
    title,
    contenders: doing("connect", ["direct", "adopted"]),
    plan: { ...base, n: quick ? 300 : 500 },
    format: time,
    aim: { of: "adopted", atMost: 1.3 },
  });

  const trip = { ...base, n: quick ? 1_000 : 2_000 };
  await compare({
    subtitle: "Round trips of 64 bytes with another process",
    contenders: doing("round trip", plain),
    plan: trip,
    format: time,
    aim: { of: "adopted", atMost: 1.1 },
  });
  await compare({ contenders: doing("round trip", secure), plan: trip, format: time });
  await compare({
    subtitle: "Processor time of the client per round trip",
    contenders: doing("round trip", plain),
    plan: { ...trip, rounds: quick ? 1 : 3, measure: "cpu" },
    format: time,
  });
  await echoes(bench, { ...base, warmUp: 1_000, n: quick ? 400 : 500 });
}

/** @param {import("../part.js").Bench} bench @param {import("../rounds.js").Plan} plan */
async function echoes({ compare }, plan) {
  const shape = {
    format: (/** @type {number} */ rate) => `${(rate * 1e9 * (64 / 1024)).toFixed(0)} MiB/s`,
    isRate: true,
  };
  await compare({
    ...shape,
    subtitle: "Echoes of 64 KiB chunks by another process",
    contenders: doing("throughput", plain),
    plan,
    aim: { of: "adopted", atLeast: 0.97 },
  });
  await compare({
    ...shape,
    contenders: doing("throughput", secure),
    plan: { ...plan, n: plan.n / 4 },
    aim: { of: "TLS, forwarded", atLeast: 0.95 },
  });
}
