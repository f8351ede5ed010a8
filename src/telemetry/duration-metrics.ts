import type { Ended } from "../core/event-values.ts";
import { noError } from "./instrument.ts";
import { instruments } from "./instruments.ts";
import { type Add, byValue } from "./sink.ts";

const errorTypes = instruments.dialDuration.labels["error.type"];

/** Records durations by `error.type`, which is empty on success. Canceled operations are not recorded. */
export function durationByErrorType(seriesOf: (errorType: string) => Add): (ended: Ended) => void {
  const histogram = byValue(errorTypes, seriesOf);
  return ({ outcome, reason, durationMs }) => {
    if (outcome !== "canceled") histogram(reason ?? noError)(durationMs / 1000);
  };
}
