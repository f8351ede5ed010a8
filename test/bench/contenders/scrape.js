// @ts-check
import { Counter, Histogram, Registry } from "prom-client";

const dialers = Array.from({ length: 200 }, (_, index) => `dialer-${index}`);
const latency = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/**
 * Scrapes a registry with 200 dialers.
 * @param {{ variant: "by hand" | "dialtrace" | "base" }} settings - "by hand" has as many series per dialer in
 * prom-client's own metrics; "base" is the build that `DIALTRACE_BENCH_BASE` names.
 */
export async function prepare({ variant }) {
  const registry = new Registry();
  if (variant === "by hand") byHand(registry);
  else await measured(registry, variant === "base" ? process.env.DIALTRACE_BENCH_BASE : undefined);
  return async (/** @type {number} */ n) => {
    for (let i = 0; i < n; i += 1) await registry.metrics();
  };
}

/** @param {Registry} registry @param {string} [dist] */
async function measured(registry, dist = new URL("../../../dist", import.meta.url).pathname) {
  /** @type {typeof import("../../../dist/index.js")} */
  const { compose, tcp, withRetry, withTimeout } = await import(`${dist}/index.js`);
  /** @type {typeof import("../../../dist/prometheus.js")} */
  const { withPrometheus } = await import(`${dist}/prometheus.js`);
  for (const name of dialers) {
    compose(withPrometheus({ registry, name }), withTimeout({ timeoutMs: 1000 }), withRetry(), tcp());
  }
}

/** @param {Registry} registry */
function byHand(registry) {
  const settings = { help: "as many series as withPrometheus has", registers: [registry] };
  for (const [index, size] of [14, 14, 14, 10].entries()) {
    const buckets = latency.slice(0, size);
    const histogram = new Histogram({ name: `h${index}`, labelNames: ["dialer_name"], buckets, ...settings });
    for (const name of dialers) histogram.zero({ dialer_name: name });
  }
  const counter = new Counter({ name: "c_total", labelNames: ["dialer_name", "reason"], ...settings });
  for (const name of dialers) {
    for (let reason = 0; reason < 45; reason += 1) counter.inc({ dialer_name: name, reason: `reason_${reason}` }, 0);
  }
}
