import { Client, type Dispatcher } from "undici";
import type { ClientDial } from "./client-dial.ts";
import type { DispatchedRequest } from "./dispatched-request.ts";

const requestKey: unique symbol = Symbol("dialtrace.request");

interface WithRequest {
  readonly [requestKey]?: DispatchedRequest;
}

/** Adds the request to the options of its dispatch, with which it reaches the client. */
export function withRequest<O extends Dispatcher.DispatchOptions>(options: O, request: DispatchedRequest): O {
  return Object.assign({ ...options }, { [requestKey]: request });
}

/** One connection of a dispatcher. Cancels its dial when all its requests have been aborted. */
export class DialedClient extends Client {
  readonly #dial: ClientDial;

  constructor(origin: string | URL, options: Client.Options, dial: ClientDial) {
    super(origin, { ...options, connect: (place, done) => dial.connect(place, done) });
    this.#dial = dial;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const request = (options as WithRequest)[requestKey];
    // The request was aborted while it waited for a place in the pool.
    if (request?.isOver) return true;
    if (request !== undefined) this.#dial.add(request);
    return super.dispatch(options, handler);
  }
}
