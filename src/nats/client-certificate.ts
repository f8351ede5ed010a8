import type { TLSSocket } from "node:tls";
import { DialError } from "../core/errors.ts";

/** Milliseconds to wait for a session ticket after the TLS handshake. Servers need not send one. */
const verdictMs = 1_000;

/** The same where tickets cannot be seen, as on Deno: every connection with a client certificate waits that long. */
const unseenVerdictMs = 200;

/** Interval of polling in milliseconds. The library removes all listeners, so `session` events cannot be used. */
const lookEveryMs = 2;

/**
 * Waits until a server that requires a client certificate has accepted it. Under TLS 1.3 the client's handshake is done
 * before the server has verified the certificate. If the client sends anything after the server has refused it, the
 * connection is reset, which discards the alert with the reason. A server sends its session ticket only after it has
 * accepted.
 *
 * @throws the error of the socket, or DialError `tls_closed`.
 * @see https://www.rfc-editor.org/rfc/rfc8446#section-4.6.1
 */
export function certificateVerdict(socket: TLSSocket): Promise<void> {
  if (socket.getProtocol() !== "TLSv1.3") return Promise.resolve();
  return new Promise((resolve, reject) => {
    let failure: Error = new DialError("the server closed the connection after the TLS handshake", {
      reason: "tls_closed",
    });
    const seesTickets = typeof socket.getTLSTicket === "function";
    const endsAt = performance.now() + (seesTickets ? verdictMs : unseenVerdictMs);
    const settle = (act: () => void) => {
      clearInterval(timer);
      socket.off("error", onError).off("close", onClose);
      act();
    };
    const onError = (error: Error) => {
      failure = error;
    };
    const onClose = () => settle(() => reject(failure));
    let over = false;
    const timer = setInterval(() => {
      if (socket.destroyed) return;
      // Not before the second check after the limit: after a blocked event loop, sockets are read between the two.
      if (over || (seesTickets && socket.getTLSTicket() !== undefined)) settle(resolve);
      over = performance.now() > endsAt;
    }, lookEveryMs);
    socket.on("error", onError).on("close", onClose);
  });
}
