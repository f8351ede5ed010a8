import { type BreakerState, breakerStates } from "../core/event-values.ts";
import type { BreakerChangeInfo } from "../core/trace.ts";
import { byValue, otherValue, type Sink } from "./sink.ts";

/** Maximum number of closed breakers that are counted, the most recently closed ones. All others are counted. */
const maxClosed = 1_000;

/** Returns the values of `dialer.endpoint`. Without configured endpoints it is empty, which Prometheus treats as absent. */
export function endpointValues(endpoints: readonly string[]): readonly string[] {
  return endpoints.length === 0 ? [""] : [...endpoints, otherValue];
}

/** Returns a hook that counts breaker states and transitions, with separate series for each of `endpoints`. */
export function breakerMetrics(sink: Sink, endpoints: readonly string[]): (info: BreakerChangeInfo) => void {
  const seriesOf = byValue(endpoints, (endpoint) => {
    const value = endpoints.length === 0 ? "" : endpoint;
    const labelsOf = (state: string) => ({ "dialer.endpoint": value, "dialer.breaker.state": state });
    return {
      status: byValue(breakerStates, (state) => sink.series("breakerStatus", labelsOf(state))),
      transitions: byValue(breakerStates, (state) => sink.series("breakerTransitions", labelsOf(state))),
    };
  });
  // Dialers of one name may share a breaker, and each reports some of its changes.
  const counted = sink.shared("breakers", () => new CountedBreakers());

  return ({ target, state, previous }) => {
    const endpoint = String(target);
    const { status, transitions } = seriesOf(endpoint);
    transitions(state)(1);
    if (counted.remove(endpoint, previous)) status(previous)(-1);
    status(state)(1);
    const dropped = counted.add(endpoint, state);
    if (dropped !== undefined) seriesOf(dropped.endpoint).status("closed")(-dropped.breakers);
  };
}

/** The breakers that are counted, by state and target. Layers may each have a breaker of the same target. */
class CountedBreakers {
  /** Number of breakers by state and target. An unknown state of an adapter has a map as well. */
  readonly #byState = new Map<string, Map<string, number>>();

  /** Removes one breaker. Returns whether it was counted. */
  remove(endpoint: string, state: BreakerState): boolean {
    const breakers = this.#of(state);
    const count = breakers.get(endpoint);
    if (count === undefined) return false;
    if (count > 1) breakers.set(endpoint, count - 1);
    else breakers.delete(endpoint);
    return true;
  }

  /** Adds one breaker. Returns the closed ones that are no longer counted. */
  add(endpoint: string, state: BreakerState): { readonly endpoint: string; readonly breakers: number } | undefined {
    const breakers = this.#of(state);
    const count = breakers.get(endpoint) ?? 0;
    breakers.delete(endpoint);
    breakers.set(endpoint, count + 1);
    if (state !== "closed" || breakers.size <= maxClosed) return undefined;
    const [oldest] = breakers;
    if (oldest === undefined) return undefined;
    breakers.delete(oldest[0]);
    return { endpoint: oldest[0], breakers: oldest[1] };
  }

  #of(state: string): Map<string, number> {
    const breakers = this.#byState.get(state) ?? new Map<string, number>();
    this.#byState.set(state, breakers);
    return breakers;
  }
}
