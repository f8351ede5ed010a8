import type { TLSSocket } from "node:tls";
import { DialError } from "../core/errors.ts";

/** How long a server is given to say something after the TLS handshake: it need not send tickets. */
const verdictMs = 1_000;

/** The client drops the listener by which Node knows that somebody waits for a `session` event. */
const lookEveryMs = 2;

/**
 * Waits until a server that asks for a client's certificate has looked at it. With TLS 1.3 the client
 * is done first; what it then sends meets a server that has hung up, and the reset that this makes
 * destroys the alert that says why. The server sends its session ticket only when it is content.
 *
 * @throws what the socket was destroyed with, or DialError `tls_closed`.
 * @see https://www.rfc-editor.org/rfc/rfc8446#section-4.6.1
 */
export function certificateVerdict(socket: TLSSocket): Promise<void> {
  if (socket.getProtocol() !== "TLSv1.3") return Promise.resolve();
  return new Promise((resolve, reject) => {
    let failure: Error = new DialError("the server hung up after the TLS handshake", { reason: "tls_closed" });
    const endsAt = performance.now() + verdictMs;
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
      // Only at the look after: when the event loop was blocked, what has arrived is read between the two.
      if (socket.getTLSTicket() !== undefined || over) settle(resolve);
      over = performance.now() > endsAt;
    }, lookEveryMs);
    socket.on("error", onError).on("close", onClose);
  });
}
