import type { Cancel } from "../async/cancel.ts";
import { classify } from "../core/classify.ts";
import { DialError } from "../core/errors.ts";
import type { Reason } from "../core/reasons.ts";

/** Outcome of work that threw, with its reason. */
export type Failed =
  | { readonly outcome: "failure"; readonly error: unknown; readonly reason: Reason }
  | { readonly outcome: "canceled"; readonly error: unknown; readonly reason?: undefined };

/**
 * Returns whether work failed or was canceled by its caller. After an abort, the outcome follows the abort's reason,
 * whatever the work threw: canceled, unless a timeout or another layer of this package aborted it.
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
