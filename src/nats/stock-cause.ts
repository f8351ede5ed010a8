import { classify } from "../core/classify.ts";
import { DialError } from "../core/errors.ts";
import { isError } from "../support/is-error.ts";
import { messageOf } from "../support/message.ts";
import type { NatsLibrary } from "./nats-library.ts";

/**
 * Sets the `cause` of a failed dial's error to the error that the library's own `connect` rejects with in that case. Code
 * that tests for the library's errors can test the cause instead. Errors of the system and of TLS stay the cause, because
 * the library rejects with them unchanged.
 *
 * It changes the error in place, because hooks have received it already.
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

/** Gives errors of `nats` 2.x that have only a code a readable message. */
export function explained(error: unknown): unknown {
  const { name, code, message, chainedError } = error as Error & { code?: unknown; chainedError?: unknown };
  if (name !== "NatsError" || (code !== "SERVER_OPT_NA" && code !== "TLS")) return error;
  const reason = classify(error);
  if (reason === "canceled") return error;
  const words = code === "TLS" ? messageOf(chainedError ?? error) : `server does not support '${message}'`;
  return new DialError(words, { reason, cause: error });
}
