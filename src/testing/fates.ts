import type { Target } from "../core/target.ts";
import { checkDuration, checkFunction, checkOneOf, checkOptions, invalid, show } from "../support/validate.ts";
import { seededRandom } from "./random.ts";

const faults = ["none", "refuse", "reset", "blackHole", "cut"] as const;

/**
 * What befalls a dial. `refuse`: nobody listens. `blackHole`: nobody answers, until the signal or a timeout above
 * ends the dial. `reset`: a connection is made, and reset in the next turn of the event loop. `cut`: it is reset
 * after so many bytes.
 */
export type Fault = (typeof faults)[number];

/** A number, or one of the numbers between two, drawn for each dial. */
export type FaultRange = number | readonly [min: number, max: number];

/** One dial's fate in a {@link FaultsOptions.script}. */
export interface FaultStep {
  readonly fault?: Fault | undefined;
  /** @defaultValue that of the options */
  readonly latencyMs?: FaultRange | undefined;
  /** @defaultValue that of the options */
  readonly cutAfterBytes?: FaultRange | undefined;
}

export interface FaultsOptions {
  /** Delay of every dial, in milliseconds, before anything else befalls it. @defaultValue 0 */
  latencyMs?: FaultRange | undefined;
  /** Share of dials that are refused, 0 to 1. All shares together are at most 1. @defaultValue 0 */
  refuse?: number | undefined;
  /** Share of dials whose connection is reset. @defaultValue 0 */
  reset?: number | undefined;
  /** Share of dials that nobody answers. @defaultValue 0 */
  blackHole?: number | undefined;
  /** Share of dials whose connection is cut after {@link cutAfterBytes}. @defaultValue 0 */
  cut?: number | undefined;
  /** Bytes that pass in one direction before a cut; at least 1. @defaultValue `[1, 1024]` */
  cutAfterBytes?: FaultRange | undefined;
  /** Plays these, one a dial, the last one over and over, instead of drawing by shares. */
  script?: readonly (Fault | FaultStep)[] | undefined;
  /** Decides the random numbers: the same seed has the same befall dials, in the order in which they start. @defaultValue 1 */
  seed?: number | undefined;
  /** Which targets are afflicted; the others are left alone, and use up neither script nor numbers. @defaultValue all */
  only?: ((target: Target) => boolean) | undefined;
}

/** What befalls one dial. */
export interface Fate {
  readonly fault: Fault;
  readonly latencyMs: number;
  readonly cutAfterBytes: number;
}

/** Returns what draws the next dial's fate. */
export function drawFates(options: FaultsOptions): () => Fate {
  checkOptions("withFaults", options, {
    latencyMs: true,
    refuse: true,
    reset: true,
    blackHole: true,
    cut: true,
    cutAfterBytes: true,
    script: true,
    seed: true,
    only: true,
  });
  const { latencyMs = 0, refuse = 0, reset = 0, blackHole = 0, cut = 0, cutAfterBytes = [1, 1024] } = options;
  const { script, seed = 1, only } = options;
  checkRange("withFaults: latencyMs", latencyMs, checkLatency);
  checkRange("withFaults: cutAfterBytes", cutAfterBytes, checkBytes);
  if (!Number.isSafeInteger(seed))
    throw invalid(RangeError, `withFaults: seed must be a whole number, got ${show(seed)}`);
  if (only !== undefined) checkFunction("withFaults: only", only);
  const shares = Object.entries({ refuse, reset, blackHole, cut }) as [Fault, number][];
  for (const [name, share] of shares) checkShare(`withFaults: ${name}`, share);
  const sum = refuse + reset + blackHole + cut;
  if (sum > 1 + 1e-9) throw invalid(RangeError, `withFaults: all shares together must be at most 1, got ${sum}`);
  if (script !== undefined) checkScript(script, sum);

  const random = seededRandom(seed);
  let played = 0;
  return () => {
    // Always as many numbers a dial, so that what one of them decides doesn't shift what comes after.
    const [first, second, third] = [random(), random(), random()];
    const step = script === undefined ? { fault: byShare(shares, first) } : stepOf(script, played++);
    return {
      fault: step.fault ?? "none",
      latencyMs: within(step.latencyMs ?? latencyMs, second),
      cutAfterBytes: Math.floor(within(step.cutAfterBytes ?? cutAfterBytes, third, 1)),
    };
  };
}

function byShare(shares: readonly [Fault, number][], drawn: number): Fault {
  let below = 0;
  for (const [fault, share] of shares) {
    below += share;
    if (drawn < below) return fault;
  }
  return "none";
}

function stepOf(script: readonly (Fault | FaultStep)[], index: number): FaultStep {
  const step = script[Math.min(index, script.length - 1)] as Fault | FaultStep;
  return typeof step === "string" ? { fault: step } : step;
}

function within(range: FaultRange, drawn: number, more = 0): number {
  if (typeof range === "number") return range;
  return range[0] + drawn * (range[1] - range[0] + more);
}

function checkShare(option: string, share: unknown): void {
  if (typeof share !== "number" || !(share >= 0 && share <= 1)) {
    throw invalid(RangeError, `${option} must be a share from 0 to 1, got ${show(share)}`);
  }
}

function checkLatency(option: string, value: unknown): void {
  checkDuration(option, value, 0);
}

function checkBytes(option: string, value: unknown): void {
  if (!Number.isSafeInteger(value) || (value as number) < 1) {
    throw invalid(RangeError, `${option} must be a whole number of at least 1, got ${show(value)}`);
  }
}

function checkRange(option: string, range: unknown, check: (option: string, value: unknown) => void): void {
  const [low, high] = Array.isArray(range) && range.length === 2 ? range : [range, range];
  check(option, low);
  check(option, high);
  if (low > high) throw invalid(RangeError, `${option} must go from the lesser to the greater, got [${low}, ${high}]`);
}

function checkScript(script: unknown, sharesSum: number): void {
  if (!Array.isArray(script) || script.length === 0) {
    throw invalid(TypeError, `withFaults: script must be an array of at least one step, got ${show(script)}`);
  }
  if (sharesSum > 0)
    throw invalid(TypeError, "withFaults: shares have no effect when there is a script: leave them out");
  for (const [index, step] of script.entries()) {
    const name = `withFaults: script[${index}]`;
    if (typeof step === "string") {
      checkOneOf(name, step, faults);
      continue;
    }
    checkOptions(name, step, { fault: true, latencyMs: true, cutAfterBytes: true });
    const { fault = "none", latencyMs = 0, cutAfterBytes = 1 } = step as FaultStep;
    checkOneOf(`${name}.fault`, fault, faults);
    checkRange(`${name}.latencyMs`, latencyMs, checkLatency);
    checkRange(`${name}.cutAfterBytes`, cutAfterBytes, checkBytes);
  }
}
