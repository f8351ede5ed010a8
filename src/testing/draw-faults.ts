import type { Target } from "../core/target.ts";
import {
  checkDuration,
  checkFunction,
  checkOneOf,
  checkOptions,
  checkRatio,
  invalid,
  show,
} from "../support/validate.ts";
import { seededRandom } from "./random.ts";

const faults = ["none", "refuse", "reset", "blackHole", "cut"] as const;

/**
 * A fault of a dial. `refuse`: the connection is refused. `blackHole`: there is no answer until the signal or a timeout
 * above ends the dial. `reset`: the connection is established and reset in the next turn of the event loop. `cut`: the
 * connection is reset after a number of bytes.
 */
export type Fault = (typeof faults)[number];

/** A number, or a range from which a number is drawn for each dial. */
export type FaultRange = number | readonly [min: number, max: number];

/** One step of a {@link FaultsOptions.script}: the fault of one dial. */
export interface FaultStep {
  /** @defaultValue `"none"` */
  readonly fault?: Fault | undefined;
  /** Delay in milliseconds. @defaultValue `latencyMs` of the options */
  readonly latencyMs?: FaultRange | undefined;
  /** Bytes before a cut. @defaultValue `cutAfterBytes` of the options */
  readonly cutAfterBytes?: FaultRange | undefined;
}

/** Options of {@link withFaults}. */
export interface FaultsOptions {
  /** Delay of every dial in milliseconds, 0 to 2^31-1, before its fault. @defaultValue 0 */
  latencyMs?: FaultRange | undefined;
  /** Share of dials that are refused, 0 to 1. The sum of all shares must not exceed 1. @defaultValue 0 */
  refuse?: number | undefined;
  /** Share of dials whose connection is reset, 0 to 1. @defaultValue 0 */
  reset?: number | undefined;
  /** Share of dials that receive no answer, 0 to 1. @defaultValue 0 */
  blackHole?: number | undefined;
  /** Share of dials whose connection is reset after {@link cutAfterBytes}, 0 to 1. @defaultValue 0 */
  cut?: number | undefined;
  /** Bytes in one direction before a cut, from 1. @defaultValue `[1, 1024]` */
  cutAfterBytes?: FaultRange | undefined;
  /** Faults of the dials in order, instead of shares; the last step repeats. @defaultValue none */
  script?: readonly (Fault | FaultStep)[] | undefined;
  /** Seed of the random numbers, a whole number. The same seed gives the same faults, in the order in which dials start. @defaultValue 1 */
  seed?: number | undefined;
  /** Selects the targets that get faults. Other targets advance neither script nor random numbers. @defaultValue all targets */
  only?: ((target: Target) => boolean) | undefined;
}

/** The fault of one dial, with all numbers drawn. */
export interface DrawnFault {
  readonly fault: Fault;
  readonly latencyMs: number;
  readonly cutAfterBytes: number;
}

/**
 * Checks the options of `withFaults`.
 *
 * @returns a function that draws the fault of the next dial.
 * @throws RangeError or TypeError, naming the option.
 */
export function drawFaults(options: FaultsOptions): () => DrawnFault {
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
  for (const [name, share] of shares) checkRatio(`withFaults: ${name}`, share);
  const sum = refuse + reset + blackHole + cut;
  if (sum > 1 + 1e-9)
    throw invalid(RangeError, `withFaults: the sum of refuse, reset, blackHole and cut must not exceed 1, got ${sum}`);
  if (script !== undefined) checkScript(script, sum);

  const random = seededRandom(seed);
  let played = 0;
  return () => {
    // Every dial draws three numbers, so that an option that uses fewer does not change the faults of later dials.
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

function checkLatency(option: string, value: unknown): void {
  checkDuration(option, value, 0);
}

function checkBytes(option: string, value: unknown): void {
  if (!Number.isSafeInteger(value) || (value as number) < 1) {
    throw invalid(RangeError, `${option} must be a whole number from 1, got ${show(value)}`);
  }
}

function checkRange(option: string, range: unknown, check: (option: string, value: unknown) => void): void {
  const [low, high] = Array.isArray(range) && range.length === 2 ? range : [range, range];
  check(option, low);
  check(option, high);
  if (low > high)
    throw invalid(RangeError, `${option} must be a range [min, max] with min <= max, got [${low}, ${high}]`);
}

function checkScript(script: unknown, sharesSum: number): void {
  if (!Array.isArray(script) || script.length === 0) {
    throw invalid(TypeError, `withFaults: script must be an array with at least one step, got ${show(script)}`);
  }
  if (sharesSum > 0)
    throw invalid(TypeError, "withFaults: refuse, reset, blackHole and cut have no effect with script; leave them out");
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
