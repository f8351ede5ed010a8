import type { Socket } from "node:net";
import type { Cancel } from "../async/cancel.ts";
import { classify } from "../core/classify.ts";
import type { Reason } from "../core/reasons.ts";
import type { AfterFacts } from "./facts.ts";

/** Maximum number of bytes of a banner that are shown. */
const maxBannerBytes = 1024;

/** Behavior of a connection after its dial, and the reason if it shows that the dial failed after all. */
export interface After {
  readonly facts: AfterFacts;
  readonly reason?: Reason | undefined;
}

/**
 * Waits for the banner of a server that sends first, or for the end of the connection. Sends nothing.
 *
 * Under TLS 1.3 a server rejects a missing client certificate only after the handshake, so that the rejection arrives here.
 */
export function listenAfter(
  conn: Socket,
  waitMs: number,
  clean: (text: string) => string,
  cancel: Cancel,
): Promise<After> {
  return new Promise((resolve) => {
    const settle = (after: After) => {
      clearTimeout(timer);
      cancel.offAbort(onSilence);
      conn.off("data", onData).off("end", onEnd).off("close", onEnd).off("error", onError);
      conn.on("error", () => {}).pause();
      resolve(after);
    };
    const onSilence = () => settle({ facts: { event: "silence", banner: "" } });
    const onData = (bytes: Buffer) =>
      settle({ facts: { event: "banner", banner: clean(bytes.toString("utf8", 0, maxBannerBytes).trim()) } });
    const onEnd = () => settle({ facts: { event: "closed", banner: "" } });
    const onError = (error: Error) => {
      const reason = classify(error);
      const refused = reason === "tls_client_cert" ? { reason } : {};
      settle({ facts: { event: "reset", banner: "" }, ...refused });
    };
    const timer = setTimeout(onSilence, waitMs);
    conn.on("error", onError).on("end", onEnd).on("close", onEnd).on("data", onData);
    if (conn.destroyed) onEnd();
    else cancel.onAbort(onSilence);
  });
}
