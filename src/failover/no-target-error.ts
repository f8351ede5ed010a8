import { DialError } from "../core/errors.ts";
import type { Target } from "../core/target.ts";
import { messageOf } from "../support/message.ts";

/**
 * Nothing to dial: the list of targets is empty. Unlike a failed dial it says nothing of any target, and
 * `withRetry` does not try again by default. Its reason is `no_target`.
 */
export class NoTargetError extends DialError {
  override readonly name = "NoTargetError";

  constructor(target: Target, cause?: unknown) {
    const why = cause === undefined ? "" : `: ${messageOf(cause)}`;
    super(`dial ${target}: there is no target to dial${why}`, { reason: "no_target", target, cause });
  }
}
