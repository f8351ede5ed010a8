import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Dialer } from "../core/dialer.ts";
import { markFactories } from "../support/roles.ts";
import { checkDialer, invalid, show } from "../support/validate.ts";
import type { DialerDescription, LayerDescription } from "./description.ts";
import { drawStack } from "./draw-stack.ts";
import { isBase, type Layer, layerOf, type OptionValue, recordOf } from "./layer-info.ts";
import { type CostOfLayer, stackWarnings } from "./stack-warnings.ts";
import { type Cost, greater, unknownCost } from "./worst-case.ts";

/**
 * Describes the layers of a dialer, of a pool or of a lazy socket: their options, the longest time and the most attempts of one dial, and
 * common mistakes. Nothing is dialed. Discovered targets are those known at the time of the call.
 *
 * The worst case is exact, except that it is an upper bound where retries nest beneath a timeout.
 *
 * @throws TypeError if `dialer` is not a dialer, a pool or a lazy socket.
 * @example
 * console.log(String(describe(compose(withTimeout({ timeoutMs: 10_000 }), withRetry(), tcp()))));
 */
export function describe<C extends Duplex>(dialer: Dialer<C> | DescribedPool | Socket): DialerDescription {
  const isKnown = typeof dialer === "function" || (typeof dialer === "object" && dialer !== null);
  if (!isKnown || (typeof dialer === "object" && recordOf(dialer) === undefined)) {
    throw invalid(TypeError, `describe: dialer must be a dialer, a pool or a lazy socket, got ${show(dialer)}`);
  }
  if (typeof dialer === "function") checkDialer("describe: dialer", dialer);
  return describeLayer(layerOf(dialer));
}

markFactories({ describe });

/** The part of a pool that {@link describe} reads. */
interface DescribedPool {
  acquire(...args: never[]): unknown;
  drain(): Promise<void>;
}

/**
 * Describes `outermost` and the layers beneath it.
 *
 * @param overrides - whether a dial may have options of its own.
 */
export function describeLayer(outermost: Layer, overrides = true): DialerDescription {
  const costOf = costs();
  const { timeMs, attempts } = costOf(outermost, Number.POSITIVE_INFINITY);
  const stack = described(outermost, overrides ? overridable(outermost) : new Map());
  const description = { stack, worstCase: { timeMs, attempts }, warnings: stackWarnings(outermost, costOf) };
  return withText(description, () => drawStack(description));
}

/** Adds a `toString` that is not part of the data. */
export function withText<T extends object>(data: T, text: () => string): T {
  return Object.defineProperty(data, "toString", { value: text });
}

/**
 * Returns a function that computes the worst case of a dial that has `withinMs` milliseconds until its deadline. It
 * caches the results, because a layer reads the worst case beneath it more than once: without a cache, the work would double with each layer.
 */
function costs(): CostOfLayer {
  const known = new Map<Layer, Map<number, Cost>>();
  const computed = ({ traits, kind, beneath }: Layer, withinMs: number): Cost => {
    const below = (ms: number) =>
      beneath.length === 0 ? unknownCost : beneath.map((each) => costOf(each, ms)).reduce(greater);
    if (traits.worstCase !== undefined) return traits.worstCase(below, withinMs);
    return isBase(kind) ? unknownCost : below(withinMs);
  };
  function costOf(layer: Layer, withinMs: number): Cost {
    const ofLayer = known.get(layer) ?? new Map<number, Cost>();
    known.set(layer, ofLayer);
    const cost = ofLayer.get(withinMs) ?? computed(layer, withinMs);
    ofLayer.set(withinMs, cost);
    return cost;
  }
  return costOf;
}

function described(layer: Layer, overridden: ReadonlyMap<Layer, readonly string[]>): LayerDescription {
  const { traits, kind } = layer;
  const beneath = layer.beneath.map((each) => described(each, overridden));
  const [only] = beneath;
  if (traits.isPart && only !== undefined) return only;
  const options = Object.entries(traits.options?.() ?? {}).filter(([, value]) => value !== undefined);
  return {
    name: layer.title,
    kind,
    options: Object.fromEntries(options) as Record<string, OptionValue>,
    overriddenBy: overridden.get(layer) ?? [],
    beneath,
  };
}

/** Returns the layers that apply options of a dial: the outermost ones that can. */
function overridable(outermost: Layer): ReadonlyMap<Layer, readonly string[]> {
  const found = new Map<Layer, readonly string[]>();
  const { boundedBy } = outermost.info;
  let [isTimeoutFree, isRetryFree] = [true, true];
  for (let layer: Layer | undefined = outermost; layer !== undefined; layer = layer.beneath[0]) {
    const { bounds, retries, appliesTimeout, name } = layer.traits;
    if (isBase(layer.kind)) break;
    if (appliesTimeout && isTimeoutFree) {
      found.set(layer, [boundedBy === undefined ? "timeoutMs" : `timeoutMs with skip: ${boundedBy}`]);
      isTimeoutFree = boundedBy !== undefined;
    }
    if (bounds && isTimeoutFree && name === boundedBy) {
      found.set(layer, ["timeoutMs"]);
      isTimeoutFree = false;
    }
    if (retries && isRetryFree) {
      found.set(layer, ["maxAttempts", "backoff", "backoffBeforeFirst", "shouldRetry"]);
      isRetryFree = false;
      isTimeoutFree = false;
    }
  }
  return found;
}
