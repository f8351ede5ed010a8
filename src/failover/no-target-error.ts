import { DialError } from "../core/errors.ts";
import type { Target } from "../core/target.ts";
import { messageOf } from "../support/message.ts";

/**
 * A dial that failed because its list of targets is empty: nothing was dialed. Its reason is `no_target`, which
 * `withRetry` does not retry by default.
 */
export class NoTargetError extends DialError {
  override readonly name = "NoTargetError";

  constructor(target: Target, cause?: unknown) {
    const why = cause === undefined ? "" : `: ${messageOf(cause)}`;
    super(`dial ${target}: there is no target to dial${why}`, { reason: "no_target", target, cause });
  }
}
