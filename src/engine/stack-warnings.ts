import { isBase, type Layer } from "./layer-info.ts";
import type { Cost } from "./worst-case.ts";

/** Computes the worst case of a layer and those beneath it. */
export type CostOfLayer = (layer: Layer, withinMs: number) => Cost;

/** A layer with the layers above it, the nearest last. */
interface Placed {
  readonly layer: Layer;
  readonly above: readonly Layer[];
  /** The layers beneath, the nearest first, those inside base dialers included. */
  readonly beneath: readonly Layer[];
}

/** Finds mistakes in the order and the options of layers. Each rule names the layers as a description does. */
export function stackWarnings(outermost: Layer, costOf: CostOfLayer): readonly string[] {
  const found = placed(outermost, []).flatMap((each) => [
    unboundedAttempts(each, costOf),
    nestedRetries(each, costOf),
    stateAboveTargets(each),
    longerTimeout(each),
    blindObserver(each),
  ]);
  return [...new Set(found.filter((warning) => warning !== undefined))];
}

function placed(layer: Layer, above: readonly Layer[]): Placed[] {
  return [
    { layer, above, beneath: layer.beneath.flatMap(flattened) },
    ...layer.beneath.flatMap((each) => placed(each, [...above, layer])),
  ];
}

function flattened(layer: Layer): Layer[] {
  return [layer, ...layer.beneath.flatMap(flattened)];
}

const nameOf = ({ title }: Layer) => title;

/** Most calls of the layer beneath that the layer makes. */
function callsOf({ traits }: Layer): number {
  const once = () => ({ timeMs: 0, attempts: 1 });
  return traits.worstCase?.(once, Number.POSITIVE_INFINITY).attempts ?? 1;
}

const retries = (layer: Layer) => layer.traits.retries === true && callsOf(layer) > 1;

function unboundedAttempts({ layer, beneath }: Placed, costOf: CostOfLayer): string | undefined {
  if (!retries(layer) || beneath.some(({ traits }) => traits.bounds)) return undefined;
  const base = beneath.find(({ kind }) => isBase(kind));
  if (base === undefined || Number.isFinite(costOf(base, Number.POSITIVE_INFINITY).timeMs)) return undefined;
  return `no timeout beneath ${nameOf(layer)}: one attempt that hangs takes all the time; put a withTimeout beneath it`;
}

function nestedRetries({ layer, beneath }: Placed, costOf: CostOfLayer): string | undefined {
  const inner = retries(layer) ? beneath.find(retries) : undefined;
  if (inner === undefined) return undefined;
  const [outerCalls, innerCalls] = [callsOf(layer), costOf(inner, Number.POSITIVE_INFINITY).attempts];
  const product = `${outerCalls} × ${innerCalls}`;
  return `${nameOf(layer)} is above ${nameOf(inner)}: their attempts multiply, up to ${product}; retry in one place`;
}

function stateAboveTargets({ layer, beneath }: Placed): string | undefined {
  const inner = layer.traits.perTarget ? beneath.find(({ traits }) => traits.retargets) : undefined;
  if (inner === undefined) return undefined;
  const [outside, inside] = [nameOf(layer), nameOf(inner)];
  return `${outside} is above ${inside}: it sees the service's name instead of each target; put it beneath ${inside}`;
}

function longerTimeout({ layer, above }: Placed): string | undefined {
  const { timeout } = layer.traits;
  if (timeout === undefined) return undefined;
  const shorter = above.findLast(({ traits }) => traits.bounds && traits.timeout && traits.timeout.ms < timeout.ms);
  if (shorter?.traits.timeout === undefined) return undefined;
  const { option, ms } = shorter.traits.timeout;
  const own = `${nameOf(layer)} (${timeout.option}: ${timeout.ms})`;
  return `${own} is longer than ${nameOf(shorter)} (${option}: ${ms}) above it, which ends the dial first`;
}

/** An observer sees only the layers beneath it, so layers that make decisions should be beneath it. */
function blindObserver({ layer, above }: Placed): string | undefined {
  if (!layer.traits.observes || layer.traits.isPart) return undefined;
  const unseen = above.filter(({ traits, kind }) => kind === "middleware" && traits.name !== undefined);
  if (unseen.length === 0) return undefined;
  const names = [...new Set(unseen.map(nameOf))].join(", ");
  return `${nameOf(layer)} is beneath ${names}: it does not see what happens there; put it above`;
}
