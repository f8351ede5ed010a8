import { type BreakerState, breakerStates } from "../core/event-values.ts";
import type { BreakerChangeInfo } from "../core/trace.ts";
import { byValue, otherValue, type Sink } from "./sink.ts";

/** Breakers whose state is remembered; those of more targets are counted in their transitions alone. */
const maxBreakers = 1_000;

/** The hook that counts what breakers become; those of `endpoints` are told apart. */
export function breakerMetrics(sink: Sink, endpoints: readonly string[]): (info: BreakerChangeInfo) => void {
  const seriesOf = (endpoint: string) => ({
    status: byValue(breakerStates, (state) => sink.series("breakerStatus", { endpoint, state })),
    transitions: byValue(breakerStates, (state) => sink.series("breakerTransitions", { endpoint, state })),
  });
  // Without a configured one there is no label: Prometheus takes an empty one for none.
  const rest = endpoints.length === 0 ? "" : otherValue;
  const others = seriesOf(rest);
  const series = new Map(endpoints.map((endpoint) => [endpoint, seriesOf(endpoint)]));
  const states = new Map<string, BreakerState>();

  return ({ target, state }) => {
    const endpoint = String(target);
    const { status, transitions } = series.get(endpoint) ?? others;
    transitions(state)(1);
    const before = states.get(endpoint);
    if (before === undefined && states.size === maxBreakers) return;
    if (before !== undefined) status(before)(-1);
    states.set(endpoint, state);
    status(state)(1);
  };
}
