// @ts-check
/**
 * Measures the cost of dialing through this package, side by side with the alternatives. The ratios are reliable; the
 * times depend on the machine.
 *
 *   npm run bench
 *   npm run bench -- --quick          about half a minute, less precise
 *   npm run bench -- --only b         one part
 */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { layers } from "./contenders/stub-layer.js";
import { measureImports } from "./imports.js";
import { startNats } from "./peers.js";
import { measureSideBySide } from "./rounds.js";

const { values: flags } = parseArgs({
  options: { quick: { type: "boolean", default: false }, only: { type: "string" } },
});
const { quick, only } = flags;
const startedAt = performance.now();

console.log(
  `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}, ${process.platform} ${process.arch}`,
);
console.log("Each ratio is to the first line of its part: the median of the rounds (lowest–highest).");

/** The most nanoseconds that a layer may add to a composed dialer. @type {Record<string, number>} */
const aims = {
  withTracing: 200,
  withPrometheus: 1500,
  "withDiagnosticsChannel, no subscriber": 200,
  "an inspector's layer": 1500,
};

/** The most bytes that a dial through the full stack may allocate. */
const mostBytes = 7_000;

const parts = { a: partA, b: partB, c: partC, d: partD, e: partE, f: partF, g: partG, h: partH, i: partI, j: partJ };
if (only !== undefined && !Object.hasOwn(parts, only)) throw new Error(`--only must be one of a to j, got ${only}`);
for (const [letter, part] of Object.entries(parts)) {
  if (only === undefined || only === letter) await part();
}
console.log(`\n${((performance.now() - startedAt) / 1000).toFixed(0)} s in total`);

async function partA() {
  const plan = { rounds: quick ? 1 : 5, slices: quick ? 2 : 8, warmUp: 20_000, n: quick ? 2_000 : 5_000 };
  for (const sdk of [false, true]) {
    heading(`a. A dial without a network, OpenTelemetry's SDK ${sdk ? "registered" : "not registered"}`);
    const results = await measureSideBySide(
      [
        { label: "by hand: cockatiel, OpenTelemetry API, prom-client", name: "stub-by-hand", sdk },
        { label: "dialtrace, full stack", name: "stub-dialtrace", sdk },
      ],
      plan,
    );
    printRatios(results, (ns) => `${(ns / 1000).toFixed(2)} µs`, { of: "dialtrace, full stack", atMost: 1 / 3 });
  }
  heading("   The tracing of the full stack, OpenTelemetry's SDK registered");
  const traced = await measureSideBySide(
    [
      { label: "the same layers, their two spans by hand", name: "stub-hand-spans", sdk: true },
      { label: "dialtrace, full stack", name: "stub-dialtrace", sdk: true },
    ],
    // Processor time: other load on the machine disturbs the small difference less.
    { ...plan, measure: "cpu" },
  );
  printRatios(traced, (ns) => `${(ns / 1000).toFixed(2)} µs`, { of: "dialtrace, full stack", atMost: 1.25 });
  await allocations({ ...plan, rounds: quick ? 1 : 3, warmUp: 100_000, n: 4_000, measure: "bytes" });
}

/** @param {import("./rounds.js").Plan} plan */
async function allocations(plan) {
  heading("   Memory that a dial allocates, OpenTelemetry's SDK not registered");
  const results = await measureSideBySide(
    [
      { label: "by hand", name: "stub-by-hand" },
      { label: "dialtrace, full stack", name: "stub-dialtrace" },
    ],
    plan,
  );
  printRatios(results, (bytes) => `${bytes.toFixed(0)} B`);
  const bytes = results[1]?.value ?? Number.NaN;
  printLine("", "", "", `aim at most ${mostBytes} B: ${bytes <= mostBytes ? "met" : "missed"}`);
}

async function partB() {
  heading("b. A TCP connect over loopback, both ends in one process");
  const results = await measureSideBySide(
    [
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
    {
      rounds: quick ? 1 : 5,
      slices: quick ? 2 : 12,
      warmUp: quick ? 2_000 : 10_000,
      n: quick ? 300 : 500,
    },
  );
  const aim = { of: "dialtrace, full stack, tcp()", atMost: 1.1 };
  printRatios(results, (ns) => `${(ns / 1000).toFixed(1)} µs`, aim);
}

async function partJ() {
  heading("j. A TCP connect over loopback in a process that observeProcess observes with metrics");
  const observed = "net.connect, observed";
  const results = await measureSideBySide(
    [
      { label: "net.connect", name: "tcp-bare" },
      { label: observed, name: "tcp-observed" },
    ],
    {
      rounds: quick ? 1 : 5,
      slices: quick ? 4 : 16,
      warmUp: quick ? 2_000 : 10_000,
      n: quick ? 300 : 500,
      // Processor time: other load on the machine disturbs the small difference less.
      measure: "cpu",
    },
  );
  printRatios(results, (ns) => `${(ns / 1000).toFixed(1)} µs`, { of: observed, atMost: 1.05 });
}

async function partC() {
  heading("c. NATS: messages of 128 bytes, published and received");
  const server = await startNats();
  if (server === undefined) {
    console.log("  skipped: nats-server is not on the PATH");
    return;
  }
  try {
    const contenders = [
      { label: "@nats-io/transport-node", name: "nats", variant: "stock" },
      { label: "dialtrace/nats, full stack", name: "nats", variant: "dialtrace" },
    ];
    const plan = {
      rounds: quick ? 1 : 5,
      slices: quick ? 3 : 12,
      warmUp: quick ? 20_000 : 50_000,
      n: quick ? 10_000 : 30_000,
      port: server.port,
    };
    const rates = (await measureSideBySide(contenders, plan)).map(invert);
    const aim = { of: "dialtrace/nats, full stack", atLeast: 0.98 };
    printRatios(rates, (perNs) => `${(perNs * 1e6).toFixed(0)} /ms`, aim);

    heading("   Processor time of the client per message");
    const cpu = await measureSideBySide(contenders, { ...plan, rounds: quick ? 1 : 3, measure: "cpu" });
    printRatios(cpu, (ns) => `${(ns / 1000).toFixed(2)} µs`);
  } finally {
    await server.stop();
  }
}

async function partD() {
  heading(
    "d. Each layer alone, over a dial without a network: its own cost, above compose(stub) measured in turn with it",
  );
  const base = { label: "compose(stub)", name: "stub-layer", variant: "compose(stub)" };
  const plan = { rounds: 3, slices: quick ? 4 : 8, warmUp: quick ? 5_000 : 20_000, n: quick ? 2_000 : 5_000 };
  for (const variant of layers) {
    const contenders = [base, { label: variant, name: "stub-layer", variant }];
    const [, timed] = await measureSideBySide(contenders, plan);
    const [, counted] = await measureSideBySide(contenders, { ...plan, rounds: 1, n: 1_000, measure: "bytes" });
    if (timed !== undefined && counted !== undefined) printLayer(variant, timed.own, counted.own.value);
  }
}

/** @param {string} label @param {import("./rounds.js").Result["own"]} own @param {number} bytes */
function printLayer(label, { value, low, high }, bytes) {
  const most = aims[label];
  // A difference smaller than its spread is noise.
  const isNoise = Math.abs(value) < high - low;
  const outcome = high <= (most ?? 0) ? "met" : low > (most ?? 0) ? "missed" : "undecided";
  const verdict = most === undefined ? "" : `aim at most ${most} ns: ${outcome}`;
  const spread = `(${low.toFixed(0)}–${high.toFixed(0)})${isNoise ? ", noise" : ""}`;
  printLine(label, `${value.toFixed(0)} ns`, `${spread.padEnd(24)} ${bytes.toFixed(0).padStart(6)} B`, verdict);
}

async function partE() {
  heading("e. 2,000 concurrent TCP connects over loopback");
  const contenders = [
    { label: "net.connect", name: "tcp-crowd", variant: "bare" },
    { label: "tcp()", name: "tcp-crowd", variant: "tcp" },
  ];
  const plan = { rounds: quick ? 1 : 3, slices: quick ? 1 : 2, warmUp: 2_000, n: 2_000 };
  const rates = (await measureSideBySide(contenders, plan)).map(invert);
  printRatios(rates, (perNs) => `${(perNs * 1e6).toFixed(1)} /ms`, { of: "tcp()", atLeast: 0.95 });
}

async function partF() {
  for (const variant of ["full", "resumed"]) {
    heading(`f. A TLS connect over loopback, ${variant} handshake, both ends in one process`);
    const results = await measureSideBySide(
      [
        { label: "tls.connect", name: "tls-bare", variant },
        { label: "tls()", name: "tls-dialtrace", variant },
      ],
      { rounds: quick ? 1 : 3, slices: quick ? 2 : 12, warmUp: quick ? 100 : 400, n: quick ? 30 : 100 },
    );
    printRatios(results, (ns) => `${(ns / 1e6).toFixed(2)} ms`, { of: "tls()", atMost: 1.05 });
  }
}

async function partG() {
  heading("g. A connection over loopback, dialed or leased from a pool");
  const hits = await measureSideBySide(
    [
      { label: "tcp()", name: "pool-hit", variant: "dial" },
      { label: "pool(), a hit", name: "pool-hit", variant: "hit" },
    ],
    { rounds: quick ? 1 : 5, slices: quick ? 2 : 8, warmUp: quick ? 2_000 : 5_000, n: quick ? 500 : 1_000 },
  );
  printRatios(hits, (ns) => `${(ns / 1000).toFixed(2)} µs`, { of: "pool(), a hit", atMost: 1 / 30 });

  heading("   Acquire and release, one after the other, without dialing");
  const contenders = ["generic-pool", "tarn", "pool()"];
  const lent = await measureSideBySide(
    contenders.map((variant) => ({ label: variant, name: "pool-lend", variant })),
    { rounds: quick ? 1 : 5, slices: quick ? 2 : 8, warmUp: quick ? 5_000 : 20_000, n: quick ? 2_000 : 5_000 },
  );
  printRatios(lent, (ns) => `${(ns / 1000).toFixed(2)} µs`, { of: "pool()", atMost: 2 });

  for (const size of [1_000, 10_000, 100_000]) {
    heading(`   ${size.toLocaleString("en")} acquires waiting for one connection, per acquire`);
    // tarn takes minutes for 100,000, since it searches a list for each.
    const able = contenders.filter((variant) => size < 100_000 || variant !== "tarn");
    const waited = await measureSideBySide(
      able.map((variant) => ({ label: variant, name: "pool-waiters", variant })),
      { rounds: quick ? 1 : 3, slices: quick ? 1 : 4, warmUp: 10_000, n: size },
    );
    printRatios(waited, (ns) => `${(ns / 1000).toFixed(2)} µs`, { of: "pool()", atMost: 2 });
  }
}

function partH() {
  heading("h. Importing the package, each time in a new process");
  const results = measureImports(quick ? 5 : 21);
  printRatios(results, (ns) => `${(ns / 1e6).toFixed(1)} ms`, { of: "import", atMost: 0.5 });
}

async function partI() {
  const contenders = [
    { label: "net.connect", name: "bridge", variant: "direct" },
    { label: "… through a bridge over TCP", name: "bridge", variant: "tcp" },
    { label: "… through a bridge over a unix socket", name: "bridge", variant: "unix" },
  ];
  heading("i. Sending 64 kB pieces over loopback, all ends in one process");
  const pieces = { rounds: quick ? 1 : 3, slices: quick ? 2 : 8, warmUp: quick ? 500 : 2_000, n: quick ? 500 : 1_000 };
  const rates = (await measureSideBySide(contenders, pieces)).map(invert);
  printRatios(rates, (perNs) => `${(perNs * 65_536e3).toFixed(0)} MB/s`);

  heading("   A round trip of 64 bytes");
  const trips = await measureSideBySide(
    contenders.map((each) => ({ ...each, name: "bridge-trip" })),
    { ...pieces, warmUp: quick ? 2_000 : 5_000 },
  );
  printRatios(trips, (ns) => `${(ns / 1000).toFixed(1)} µs`);
}

/** Turns times into rates. @param {import("./rounds.js").Result} result */
function invert({ value, ratio, low, high, ...rest }) {
  return { ...rest, value: 1 / value, ratio: 1 / ratio, low: 1 / high, high: 1 / low };
}

/**
 * @param {readonly import("./rounds.js").Result[]} results
 * @param {(value: number) => string} format
 * @param {{ of?: string, atMost?: number, atLeast?: number }} [aim]
 */
function printRatios(results, format, { of, atMost = Number.POSITIVE_INFINITY, atLeast = 0 } = {}) {
  for (const [index, { contender, value, ratio, low, high }] of results.entries()) {
    const ratios = index === 0 ? "" : `${ratio.toFixed(3)} (${low.toFixed(3)}–${high.toFixed(3)})`;
    const met = ratio <= atMost && ratio >= atLeast ? "met" : "missed";
    const bound = atLeast > 0 ? `at least ${atLeast.toFixed(2)}` : `at most ${atMost.toFixed(2)}`;
    printLine(contender.label, format(value), ratios, contender.label === of ? `aim ${bound}: ${met}` : "");
  }
}

/** @param {string} text */
function heading(text) {
  console.log(`\n${text}`);
}

/** @param {string} label @param {string} value @param {string} rest @param {string} [verdict] */
function printLine(label, value, rest, verdict = "") {
  console.log(`  ${label.padEnd(50)} ${value.padStart(11)}  ${rest.padEnd(22)} ${verdict}`.trimEnd());
}
