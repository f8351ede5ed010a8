// @ts-check
/**
 * Runs one contender in its own process: measured after other contenders in one process, the same code appears up to a
 * third faster or slower. The parent sends messages that say what to measure. To profile a contender, run the file alone:
 *
 *   node --cpu-prof test/bench/child.js stub-dialtrace '{}' 200000
 */
import { registerSdk } from "./sdk.js";

/** @typedef {{ port?: number, variant?: string, sdk?: boolean }} Settings */

const [name, json = "{}", alone] = process.argv.slice(2);
const settings = /** @type {Settings} */ (JSON.parse(json));
if (settings.sdk) registerSdk();
const { prepare } = await import(`./contenders/${name}.js`);
const run = /** @type {(n: number) => Promise<void>} */ (await prepare(settings));

/** @type {Record<string, (n: number) => Promise<number>>} */
const measures = {
  /**
   * Nanoseconds per iteration, after an untimed warm-up, since the process has been idle. It forces no garbage collection,
   * which would also discard code and double the times that follow.
   */
  async time(n) {
    await run(Math.ceil(n / 4));
    const startedAt = performance.now();
    await run(n);
    return ((performance.now() - startedAt) / n) * 1e6;
  },
  /** Nanoseconds of processor time per iteration, independent of other load on the machine. */
  async cpu(n) {
    await run(Math.ceil(n / 4));
    const before = process.cpuUsage();
    await run(n);
    const { user, system } = process.cpuUsage(before);
    return ((user + system) / n) * 1e3;
  },
  /** Bytes allocated per iteration; correct while the young generation holds them all. */
  async bytes(n) {
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    await run(n);
    return (process.memoryUsage().heapUsed - before) / n;
  },
};

if (process.send) {
  process.on("message", async (/** @type {{ measure: string, n: number }} */ { measure, n }) => {
    process.send?.(await measures[measure]?.(n));
  });
  process.send("ready");
} else {
  const n = Number(alone ?? 100_000);
  console.log(`${name}: ${(await measures.time?.(n))?.toFixed(0)} ns each`);
  process.exit();
}
