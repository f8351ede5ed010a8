import { classify, decidingError } from "../core/classify.ts";
import { DialError, DialTimeoutError, type TargetFailure } from "../core/errors.ts";
import { messageOf } from "../support/message.ts";

/** Maximum number of servers named in a message; `DialError.targets` lists all. */
const maxNamed = 8;

/** The last failure of each server that was tried in one connect or one outage. */
export class ServerFailures {
  readonly #last = new Map<object, TargetFailure>();
  #count = 0;

  /** Number of failed attempts. */
  get count(): number {
    return this.#count;
  }

  /**
   * The error to reject with: the failure of the server if only one was tried, or an error with the failures of all.
   * `undefined` if nothing has failed.
   */
  get error(): unknown {
    const targets = [...this.#last.values()];
    return targets.length > 1 ? allFailed(targets) : targets[0]?.error;
  }

  /** Records a failed attempt. */
  add(server: { readonly listen: string }, error: unknown): void {
    this.#count += 1;
    // Deleted first, so that the most recent failure comes last.
    this.#last.delete(server);
    const reason = classify(error);
    this.#last.set(server, { target: server.listen, reason: reason === "canceled" ? "_OTHER" : reason, error });
  }
}

/** Takes reason and cause from the deciding error, which is chosen as for the addresses of a name. */
function allFailed(targets: readonly TargetFailure[]): DialError {
  const deciding = decidingError(targets.map((each) => each.error));
  const { reason } = targets.find((each) => each.error === deciding) as TargetFailure;
  const cause = (deciding as Error | undefined)?.cause ?? deciding;
  const message = `connect: none of ${targets.length} servers could be reached: ${named(targets)}`;
  if (deciding instanceof DialTimeoutError) {
    const { scope, timeoutMs } = deciding;
    return new DialTimeoutError(message, { scope, timeoutMs, cause, targets });
  }
  return new DialError(message, { reason, cause, targets });
}

function named(targets: readonly TargetFailure[]): string {
  const list = targets.slice(0, maxNamed).map(({ target, reason, error }) => {
    return `${target}: ${reason} (${withoutTarget(messageOf(error), target)})`;
  });
  if (targets.length > maxNamed) list.push(`and ${targets.length - maxNamed} more`);
  return list.join("; ");
}

/** Removes the target from a message that follows it. */
function withoutTarget(message: string, target: string): string {
  const prefix = `dial ${target}: `;
  return message.startsWith(prefix) ? message.slice(prefix.length) : message;
}
