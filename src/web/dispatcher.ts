import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ConnectionOptions } from "node:tls";
import { Agent, type Client, type Dispatcher, Pool } from "undici";
import type { Dialer } from "../core/dialer.ts";
import { SessionCache } from "../dialers/tls-sessions.ts";
import { tlsUpgrade } from "../dialers/tls-upgrade.ts";
import { composedFrom } from "../engine/composed-from.ts";
import { contextOf, type DialContext, runOf } from "../engine/context.ts";
import { markFactories } from "../support/roles.ts";
import { checkDialer, invalid, isPlain, show } from "../support/validate.ts";
import { ClientDial, type DispatcherDials, type Place } from "./client-dial.ts";
import { DialedClient, withRequest } from "./dialed-client.ts";
import { DispatchedRequest } from "./dispatched-request.ts";
import { checkWebDial, refuseOptions, type WebDialOptions } from "./options.ts";

/** Options of undici's agents that have no effect, with what to do instead. */
const instead = {
  connect: "connections are made by the dialer; give options for TLS as tls",
  factory: "dispatcher() makes the clients",
  connectTimeout: "bound the dialer with withTimeout",
  autoSelectFamily: "tcp() races the addresses",
  autoSelectFamilyAttemptTimeout: "tcp() races the addresses",
  localAddress: "connections are made by the dialer",
  maxCachedSessions: "give tls: { session } or a dialer of tls()",
} as const;

/** Options of {@link dispatcher}, in addition to those of undici's `Agent`. */
export interface DispatcherOptions<C extends Duplex = Socket>
  extends Omit<Agent.Options, keyof typeof instead | "tls"> {
  /**
   * Options for TLS to `https:` origins, those of `tls.connect`, unless the dialer's connections have it already.
   * @defaultValue Node's
   */
  tls?: ConnectionOptions | undefined;
  /** Options of every dial. @defaultValue none */
  dial?: WebDialOptions<C> | undefined;
}

/**
 * Returns an undici `Agent` whose connections are made by `dialer`, for `fetch`, `request` and `setGlobalDispatcher`.
 * `destroy()` cancels its dials, and so does aborting the requests that a dial is for. A failed dial rejects the request
 * with its `DialError`, which is the `cause` of the error of `fetch`.
 *
 * The dialer decides about TLS, as with `DialedHttpsAgent`.
 *
 * @param dialer - makes the connections. Bound its dials with `withTimeout`.
 * @throws TypeError or RangeError naming the option.
 * @example
 * const agent = dispatcher(compose(withTimeout({ timeoutMs: 10_000 }), withRetry(), tcp()));
 * const response = await fetch("https://api.internal/", { dispatcher: agent });
 */
export function dispatcher<C extends Duplex = Socket>(dialer: Dialer<C>, options: DispatcherOptions<C> = {}): Agent {
  checkDialer("dispatcher: dialer", dialer);
  if (!isPlain(options)) throw invalid(TypeError, `dispatcher: options must be an object, got ${show(options)}`);
  refuseOptions("dispatcher", options, instead);
  const { tls, dial = {}, ...rest } = options;
  if (tls !== undefined && !isPlain(tls)) {
    throw invalid(TypeError, `dispatcher: tls must be an object, got ${show(tls)}`);
  }
  const composed = composedFrom(dialer);
  checkWebDial("dispatcher", composed, dial);
  return new DialedDispatcher(rest, (agent) => dialsOf(composed, { ...options, dial }, agent));
}

markFactories({ dispatcher });

/** The dials of one dispatcher, with its options. */
function dialsOf<C extends Duplex>(
  composed: Dialer<C>,
  { tls = {}, dial = {}, allowH2 = false, socketPath }: DispatcherOptions<C>,
  owner: object,
): DispatcherDials {
  const context = contextOf({ owner, ...dial }, composed, "dispatcher: dial");
  const sessions = tls.checkServerIdentity === undefined ? new SessionCache() : undefined;
  const protocols = allowH2 ? ["h2", "http/1.1"] : ["http/1.1"];
  const handshakeFor = ({ servername }: Place) => {
    const options = { ...tls, servername: servername || tls.servername };
    return tlsUpgrade({
      options: options as ConnectionOptions,
      protocols,
      sessions,
      sessionKey: "",
      before: dial.handshake,
    });
  };
  const contextFor = (place: Place): DialContext<C> =>
    place.protocol === "https:" ? { ...context, handshake: handshakeFor(place) } : context;
  return {
    run: runOf(composed),
    contextFor,
    socketPath,
    inProgress: new Set<ClientDial>(),
  } as object as DispatcherDials;
}

class DialedDispatcher extends Agent {
  readonly #dials: DispatcherDials;

  constructor(options: Agent.Options, dialsFor: (agent: object) => DispatcherDials) {
    const make = (origin: string | URL, given: object) => this.#clientFor(origin, given);
    super({ ...options, factory: (origin, given) => make(origin, given) });
    this.#dials = dialsFor(this);
  }

  override dispatch(options: Agent.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    // Undici reports the error in the arguments.
    if (typeof handler !== "object" || handler === null || typeof options !== "object" || options === null) {
      return super.dispatch(options, handler);
    }
    const request = new DispatchedRequest(handler);
    request.start();
    return request.isOver || super.dispatch(withRequest(options, request), request.handler);
  }

  /** `never` stands for the results of all of its overloads. */
  override destroy(...args: unknown[]): never {
    const destroyed = (super.destroy as (...args: unknown[]) => unknown).apply(this, args);
    for (const dial of [...this.#dials.inProgress]) dial.end(destroyedError());
    return destroyed as never;
  }

  #clientFor(origin: string | URL, options: Pool.Options): Dispatcher {
    const client = (from: string | URL, given: Client.Options) =>
      new DialedClient(from, given, new ClientDial(this.#dials));
    if (options.connections === 1) return client(origin, options);
    return new Pool(origin, { ...options, connect: noConnector, factory: (from, given) => client(from, given) });
  }
}

/** Replaces the connector that a pool would make for its clients. */
function noConnector(): never {
  throw new Error("dispatcher: each client has a connector of its own");
}

function destroyedError(): Error {
  return new DOMException("the dispatcher was destroyed while it was dialing", "AbortError");
}
