import type { Picker } from "../picker.ts";

/** Picks each target in turn. The first is picked at random, so that processes that start together differ. */
export function roundRobin(): Picker {
  let turn: number | undefined;
  return ({ endpoints }, tried, { random }) => {
    turn ??= Math.floor(random() * endpoints.length);
    for (let step = 0; step < endpoints.length; step += 1) {
      const endpoint = endpoints[(turn + step) % endpoints.length];
      if (endpoint === undefined || tried?.has(endpoint.key)) continue;
      turn = (turn + step + 1) % endpoints.length;
      return endpoint;
    }
    return undefined;
  };
}
