import { classify } from "../core/classify.ts";
import { DialError } from "../core/errors.ts";
import { isError } from "../support/is-error.ts";
import { messageOf } from "../support/message.ts";
import type { NatsLibrary } from "./nats-library.ts";

/**
 * Makes the `cause` of a failed dial's error what the client's own `connect` rejects with in that case,
 * so that code which tests for the client's errors goes on to work one level down. Errors of the system
 * and of TLS are left as the cause: the client rejects with those as they are.
 *
 * The error stays the same object, which hooks have been given already.
 */
export function withStockCause(error: unknown, library: NatsLibrary): unknown {
  if (error instanceof DialError) Reflect.set(error, "cause", stockCause(error, library));
  return error;
}

function stockCause(error: DialError, library: NatsLibrary): unknown {
  const { cause, reason } = error;
  const origin = beneathDialErrors(cause);
  if (library.isOwnError(origin)) return origin;
  if (reason === "timeout") return library.timeoutError(cause);
  if (reason === "refused") return library.refusedError(cause);
  if (isError(origin) && !(origin instanceof DialError)) return origin;
  if (reason === "protocol") return new Error("unexpected response from server", { cause });
  return library.connectionError(error.message, cause);
}

function beneathDialErrors(cause: unknown): unknown {
  let origin = cause;
  while (origin instanceof DialError && origin.cause !== undefined) origin = origin.cause;
  return origin;
}

/** Says in words what `nats` 2.x says by a code alone. */
export function explained(error: unknown): unknown {
  const { name, code, message, chainedError } = error as Error & { code?: unknown; chainedError?: unknown };
  if (name !== "NatsError" || (code !== "SERVER_OPT_NA" && code !== "TLS")) return error;
  const reason = classify(error);
  if (reason === "canceled") return error;
  const words = code === "TLS" ? messageOf(chainedError ?? error) : `server does not support '${message}'`;
  return new DialError(words, { reason, cause: error });
}
