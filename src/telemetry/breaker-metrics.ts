import { type BreakerState, breakerStates } from "../core/event-values.ts";
import type { BreakerChangeInfo } from "../core/trace.ts";
import { byValue, otherValue, type Sink } from "./sink.ts";

/** Maximum number of breakers whose state is counted. For further targets only the transitions are counted. */
const maxBreakers = 1_000;

/** Returns a hook that counts breaker states and transitions, with separate series for each of `endpoints`. */
export function breakerMetrics(sink: Sink, endpoints: readonly string[]): (info: BreakerChangeInfo) => void {
  const seriesOf = (endpoint: string) => ({
    status: byValue(breakerStates, (state) =>
      sink.series("breakerStatus", { "dialer.endpoint": endpoint, "dialer.breaker.state": state }),
    ),
    transitions: byValue(breakerStates, (state) =>
      sink.series("breakerTransitions", { "dialer.endpoint": endpoint, "dialer.breaker.state": state }),
    ),
  });
  // Without configured endpoints the label is empty, which Prometheus treats as absent.
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
