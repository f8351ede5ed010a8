/** Reason of the abort when a client is closed during a dial. Classified as a cancellation, not as a failure. */
export class ClientClosedError extends Error {
  override readonly name = "AbortError";

  constructor() {
    super("the NATS client was closed");
  }
}
