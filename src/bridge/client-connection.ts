import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { systemClock } from "../async/clock.ts";
import { Deadline } from "../async/deadline.ts";
import { classify } from "../core/classify.ts";
import type { Dialer } from "../core/dialer.ts";
import type { Target } from "../core/target.ts";
import { discard } from "../support/connection.ts";
import { notify } from "../support/user-call.ts";
import { abortStream, closeOf } from "./abort-stream.ts";
import type { ClientRequest, FailureReason, ReadRequest } from "./client-request.ts";
import { EarlyBytes } from "./early-bytes.ts";
import { RefusedRequest } from "./refused-request.ts";
import { relay } from "./relay.ts";

/** Details of an error that a bridge or proxy server reports. */
export interface BridgeErrorInfo {
  /**
   * What failed: to `accept` a client, for example because the process has no descriptors left; the client's `request`
   * to a proxy server; or the `dial`.
   */
  readonly phase: "accept" | "request" | "dial";
  /** Reason of the error, as in metrics; `canceled` if the dialer itself gave up. */
  readonly reason: FailureReason;
  /** Target of the dial; `undefined` if it is unknown. */
  readonly target: Target | undefined;
}

/** Called for each failed dial, refused request and failed accept. Its result is ignored. */
export type BridgeErrorListener = (error: unknown, info: BridgeErrorInfo) => void;

/** Settings that all connections of a server share. */
export interface ConnectionSettings<C extends Duplex> {
  /** Name of the factory in warnings: `bridge`. */
  readonly factory: string;
  readonly dialer: Dialer<C>;
  readonly readRequest: ReadRequest;
  readonly halfOpenTimeoutMs: number;
  readonly onError: BridgeErrorListener | undefined;
}

/** Milliseconds that a client has to read the answer to a refused request and to close its connection. */
const lingerMs = 2_000;

/** Passes an error to the user's `onError`. */
export function report(
  { factory, onError }: Pick<ConnectionSettings<Duplex>, "factory" | "onError">,
  error: unknown,
  info: BridgeErrorInfo,
): void {
  if (onError !== undefined) notify(`${factory}: onError`, () => onError(error, info));
}

/** The connection of one client, and the dialed connection that it is forwarded to. */
export class ClientConnection<C extends Duplex> {
  /** Resolves when both connections are closed. */
  readonly ended: Promise<void>;
  readonly #client: Socket;
  readonly #settings: ConnectionSettings<C>;
  readonly #owner: object;
  /** Set while the dial is in progress. */
  #dial: AbortController | undefined;

  constructor(client: Socket, settings: ConnectionSettings<C>, owner: object) {
    this.#client = client;
    this.#settings = settings;
    this.#owner = owner;
    client.on("error", ignore);
    client.once("timeout", () => this.abort());
    client.once("close", () => this.#cancel());
    this.ended = this.#serve()
      .catch((error) => this.#failed(error))
      .then(() => closeOf(client));
  }

  /** Cancels the dial and closes both connections. */
  abort(): void {
    this.#cancel();
    abortStream(this.#client);
  }

  async #serve(): Promise<void> {
    const request = await this.#request();
    // No dial starts for a client that has closed its connection in the meantime.
    if (request === undefined || this.#client.destroyed) return;
    const dial = new AbortController();
    this.#dial = dial;
    const early = new EarlyBytes(this.#client, (sentBytes) => this.#clientEnded(sentBytes));
    const conn = await this.#connect(request, dial.signal);
    this.#dial = undefined;
    if (conn === undefined) {
      early.stop();
      return;
    }
    if (request.granted !== undefined) this.#client.write(request.granted);
    try {
      relay(this.#client, conn, early, this.#settings.halfOpenTimeoutMs);
    } catch (error) {
      discard(conn);
      throw error;
    }
    await closeOf(conn);
  }

  async #request(): Promise<ClientRequest | undefined> {
    try {
      return await this.#settings.readRequest(this.#client);
    } catch (refused) {
      if (refused instanceof RefusedRequest) {
        const { error, answer, target } = refused;
        report(this.#settings, error, { phase: "request", reason: error.reason, target });
        this.#refuse(answer);
      } else {
        this.#client.destroy();
      }
      return undefined;
    }
  }

  async #connect({ target, refusal }: ClientRequest, signal: AbortSignal): Promise<C | undefined> {
    try {
      return await this.#settings.dialer(target, { signal, background: true, owner: this.#owner });
    } catch (error) {
      if (signal.aborted) {
        abortStream(this.#client);
        return undefined;
      }
      const reason = classify(error);
      report(this.#settings, error, { phase: "dial", reason, target });
      this.#refuse(refusal(reason, error));
      return undefined;
    }
  }

  /** A client that ended its side without sending a byte has left. Any other client may wait for an answer to its bytes. */
  #clientEnded(sentBytes: number): void {
    if (sentBytes === 0) this.abort();
    else this.#client.setTimeout(this.#settings.halfOpenTimeoutMs);
  }

  /** A stream of a user's own dialer may lack methods or throw. */
  #failed(error: unknown): void {
    report(this.#settings, error, { phase: "dial", reason: classify(error), target: undefined });
    this.abort();
  }

  #cancel(): void {
    this.#dial?.abort(new DOMException("the client left", "AbortError"));
  }

  #refuse(answer: Uint8Array | undefined): void {
    const client = this.#client;
    if (answer === undefined || client.destroyed) {
      abortStream(client);
      return;
    }
    client.end(answer);
    // A close with unread bytes would reset the connection, and the answer could be lost.
    client.resume();
    const deadline = new Deadline(systemClock, lingerMs, () => client.destroy());
    client.once("close", () => deadline.clear());
  }
}

function ignore(): void {}
