/** Why a pending dial was aborted when its client was closed; a cancellation, not a failure. */
export class ClientClosedError extends Error {
  override readonly name = "AbortError";

  constructor() {
    super("the NATS client was closed");
  }
}
