import { messageOf } from "../support/message.ts";

/**
 * Returns a handle for Node to close in place of a missing one: without a handle, a socket emits `close` without
 * `hadError`.
 */
export function closingHandle(): object {
  return { bytesRead: 0, bytesWritten: 0, close: (done: () => void) => setImmediate(done) };
}

/** Returns the error for a write that waited for a connection when the socket was destroyed, as `net.Socket` makes it. */
export function closedBeforeConnect(): Error {
  const message = "Socket closed before the connection was established";
  return Object.assign(new Error(message), { code: "ERR_SOCKET_CLOSED_BEFORE_CONNECTION" });
}

/** The error for a signal that was aborted with a reason that is not an error. */
export function abortError(reason: unknown): Error {
  return Object.assign(new Error(messageOf(reason), { cause: reason }), { name: "AbortError", code: "ABORT_ERR" });
}
