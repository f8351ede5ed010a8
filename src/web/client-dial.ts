import type { Duplex } from "node:stream";
import type { buildConnector } from "undici";
import { Cancel } from "../async/cancel.ts";
import { parseTargetOf } from "../core/target.ts";
import type { DialContext, Run } from "../engine/context.ts";
import { isError } from "../support/is-error.ts";
import { messageOf } from "../support/message.ts";
import { onDestroy } from "../support/on-destroy.ts";
import { noteOwnClose } from "./close-reason.ts";
import type { DispatchedRequest } from "./dispatched-request.ts";

/** Where undici asks to connect. */
export type Place = buildConnector.Options;

type Done = buildConnector.Callback;

/** How a dispatcher dials. */
export interface DispatcherDials {
  readonly run: Run<Duplex>;
  /** Returns the context of a dial to `place`, with the caller's own cancellation. */
  contextFor(place: Place): DialContext<Duplex>;
  /** Path of the unix socket to dial in place of every origin. Older versions of undici do not pass it on. */
  readonly socketPath: string | undefined;
  /** The dials in progress of all clients. */
  readonly inProgress: Set<ClientDial>;
}

/** The dials of one connection of undici, one at a time, and the requests that wait for it. */
export class ClientDial {
  readonly #dials: DispatcherDials;
  readonly #requests = new Set<DispatchedRequest>();
  #cancel: Cancel | undefined;

  constructor(dials: DispatcherDials) {
    this.#dials = dials;
  }

  /** Counts a request of the connection until it is over. */
  add(request: DispatchedRequest): void {
    this.#requests.add(request);
    request.onOver(() => {
      this.#requests.delete(request);
      // In a later turn: undici may still be handling the request, and may add another.
      if (this.#isAbandoned) process.nextTick(() => this.#isAbandoned && this.end(abandoned()));
    });
  }

  /** Dials in the context of the first request. Fails if all requests were aborted: undici connects for them, too. */
  connect(place: Place, done: Done): void {
    const [request] = this.#requests;
    if (request !== undefined) request.inContext(() => this.#start(place, done));
    else process.nextTick(() => (this.#requests.size > 0 ? this.connect(place, done) : done(abandoned(), null)));
  }

  /** Cancels the dial, if one is in progress. */
  end(reason: Error): void {
    this.#cancel?.abort(reason);
  }

  get #isAbandoned(): boolean {
    return this.#requests.size === 0 && this.#cancel !== undefined;
  }

  #start(place: Place, done: Done): void {
    const { run, inProgress, socketPath } = this.#dials;
    const target = socketPath ? parseTargetOf("dispatcher: socketPath", { path: socketPath }) : targetOf(place);
    const context = this.#dials.contextFor(place);
    const cancel = new Cancel();
    const follow = () => cancel.abort(context.cancel?.reason);
    // Immediately, and not when a canceled dial has ended: undici would fail a request that arrives in between.
    const settle = (error: unknown, conn: Duplex | null) => {
      if (this.#cancel !== cancel) return;
      this.#cancel = undefined;
      inProgress.delete(this);
      context.cancel?.offAbort(follow);
      if (conn === null) done(asError(error), null);
      else done(null, conn as never);
    };
    this.#cancel = cancel;
    inProgress.add(this);
    const dialed = run(target, { ...context, cancel });
    cancel.onAbort(() => settle(cancel.reason, null));
    context.cancel?.onAbort(follow);
    if (context.cancel?.aborted) follow();
    dialed.then(
      (conn) => {
        onDestroy(conn, (error) => noteOwnClose(conn, error));
        settle(null, conn);
      },
      (error) => settle(error, null),
    );
  }
}

function targetOf({ hostname, port, protocol }: Place) {
  return parseTargetOf("dispatcher", { host: hostname, port: port || (protocol === "https:" ? 443 : 80) });
}

function abandoned(): Error {
  return new DOMException("every request of the connection was aborted while it was dialed", "AbortError");
}

/** An abort may have any reason; undici reads properties of what it is given. */
function asError(error: unknown): Error {
  if (isError(error)) return error;
  return Object.assign(new Error(messageOf(error), { cause: error }), { name: "AbortError", code: "ABORT_ERR" });
}
