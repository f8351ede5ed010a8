import { classify } from "../core/classify.ts";
import { DialError, DialTimeoutError, latenessNote } from "../core/errors.ts";
import { parseTarget } from "../core/target.ts";
import { messageOf } from "../support/message.ts";
import { cleanError } from "../support/printable.ts";
import type { Blank } from "./info.ts";

/** The dial that has failed. */
interface FailedDial {
  /** The server as `host:port`; empty before the dial has begun. */
  readonly server: string;
  /** The client's `timeout` for each server, in milliseconds. */
  readonly timeoutMs: number;
  /** How late its timer fired, in milliseconds. */
  readonly lateByMs: number;
  readonly blank: Blank;
}

/** Returns the error to reject with for a dial that `error` has ended: one that names the server and the reason. */
export function dialFailure(error: Error, { server, timeoutMs, lateByMs, blank }: FailedDial): Error {
  if (server === "" || (error instanceof DialError && error.target !== "")) return error;
  const reason = classify(error);
  if (reason === "canceled") return error;
  cleanError(error, blank);
  const target = parseTarget(server);
  if (reason !== "timeout") {
    return new DialError(`dial ${target}: ${messageOf(error)}`, { reason, target, cause: error });
  }
  const note = latenessNote(lateByMs);
  const message = `dial ${target}: no connection within the client's timeout of ${timeoutMs} ms${note}`;
  return new DialTimeoutError(message, { scope: "dial", timeoutMs, lateByMs, target, cause: error });
}

/** The error of a connection that the server has closed without giving a reason. */
export function closedBeforeReady(): DialError {
  return new DialError("the server closed the connection before it was ready", { reason: "handshake_closed" });
}
