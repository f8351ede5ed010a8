import type { Cancel } from "../async/cancel.ts";
import { classify } from "../core/classify.ts";
import { DialError } from "../core/errors.ts";
import type { Reason } from "../core/reasons.ts";

/** How work that threw has ended. */
export type Failed =
  | { readonly outcome: "failure"; readonly error: unknown; readonly reason: Reason }
  | { readonly outcome: "canceled"; readonly error: unknown; readonly reason?: undefined };

/**
 * Tells a failure from a caller's abort. Once aborted, work has ended for the abort's own reason,
 * whatever it threw itself: that is the caller's abort, unless a timeout or another layer of this
 * package aborted.
 */
export function outcomeOf(thrown: unknown, cancel: Cancel | undefined): Failed {
  const aborted = cancel?.aborted === true;
  const error = aborted ? cancel.reason : thrown;
  const reason = classify(error);
  if (reason === "canceled" || (aborted && reason !== "timeout" && !(error instanceof DialError))) {
    return { outcome: "canceled", error };
  }
  return { outcome: "failure", error, reason };
}
