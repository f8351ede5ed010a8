import { DialError } from "../core/errors.ts";
import type { Reason } from "../core/reasons.ts";
import type { Target } from "../core/target.ts";

/** A request that is refused without a dial. */
export class RefusedRequest extends Error {
  /** The error for the user of the server. */
  readonly error: DialError;
  /** Answer that tells the client why; `undefined` to reset the client's connection instead. */
  readonly answer: Uint8Array | undefined;
  readonly target: Target | undefined;

  constructor(error: DialError, answer: Uint8Array | undefined, target?: Target) {
    super(error.message);
    this.error = error;
    this.answer = answer;
    this.target = target;
  }
}

/** Returns the refusal of a request. `message` must not contain text from the client, which may hold credentials. */
export function refused(
  reason: Reason,
  message: string,
  answer: Uint8Array | undefined,
  target?: Target,
): RefusedRequest {
  return new RefusedRequest(new DialError(message, { reason, target }), answer, target);
}
