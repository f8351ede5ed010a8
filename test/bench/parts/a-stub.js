// @ts-check
import { microseconds, printLine } from "../report.js";

export const title = "A dial without a network";

const stack = { label: "dialtrace, full stack", name: "stub-dialtrace" };

/** The most bytes that a dial through the full stack may allocate. */
const mostBytes = 7_000;

/** @param {import("../part.js").Bench} bench */
export async function run(bench) {
  const { quick, compare } = bench;
  const plan = { rounds: quick ? 1 : 5, slices: quick ? 2 : 8, warmUp: 20_000, n: quick ? 2_000 : 5_000 };
  for (const sdk of [false, true]) {
    await compare({
      title: `${title}, OpenTelemetry's SDK ${sdk ? "registered" : "not registered"}`,
      contenders: [
        { label: "by hand: cockatiel, OpenTelemetry API, prom-client", name: "stub-by-hand", sdk },
        { ...stack, sdk },
      ],
      plan,
      format: microseconds(2),
      aim: { of: stack.label, atMost: 1 / 3 },
    });
  }
  await compare({
    subtitle: "The tracing of the full stack, OpenTelemetry's SDK registered",
    contenders: [
      { label: "the same layers, their two spans by hand", name: "stub-hand-spans", sdk: true },
      { ...stack, sdk: true },
    ],
    // Processor time: other load on the machine disturbs the small difference less.
    plan: { ...plan, measure: "cpu" },
    format: microseconds(2),
    aim: { of: stack.label, atMost: 1.25 },
  });
  await allocations(bench, plan.slices);
}

/** @param {import("../part.js").Bench} bench @param {number} slices */
async function allocations({ quick, compare }, slices) {
  const results = await compare({
    subtitle: "Memory that a dial allocates, OpenTelemetry's SDK not registered",
    contenders: [{ label: "by hand", name: "stub-by-hand" }, stack],
    plan: { rounds: quick ? 1 : 3, slices, warmUp: 100_000, n: 4_000, measure: "bytes" },
    format: (bytes) => `${bytes.toFixed(0)} B`,
  });
  const bytes = results[1]?.value ?? Number.NaN;
  printLine("", "", "", `aim at most ${mostBytes} B: ${bytes <= mostBytes ? "met" : "missed"}`);
}
