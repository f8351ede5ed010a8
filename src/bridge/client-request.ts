import type { Socket } from "node:net";
import type { Reason } from "../core/reasons.ts";
import type { Target } from "../core/target.ts";

/** Why a dial failed; `canceled` if the dialer itself gave up. */
export type FailureReason = Reason | "canceled";

/** A client's request for a connection, and the answers to it. */
export interface ClientRequest {
  readonly target: Target;
  /** Answer that tells the client that the connection exists; `undefined` in a protocol without answers. */
  readonly granted: Uint8Array | undefined;
  /**
   * Returns the answer that tells the client that the dial failed; `undefined` to reset the client's connection instead.
   */
  refusal(reason: FailureReason, error: unknown): Uint8Array | undefined;
}

/** Reads the request of a client. Rejects with a `RefusedRequest`, or with any other error if the client left. */
export type ReadRequest = (client: Socket) => ClientRequest | Promise<ClientRequest>;
