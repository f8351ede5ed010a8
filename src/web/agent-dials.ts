import { AsyncResource } from "node:async_hooks";
import type { AgentOptions, ClientRequest, ClientRequestArgs } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ConnectionOptions } from "node:tls";
import type { Dialer, Handshake } from "../core/dialer.ts";
import { parseTargetOf } from "../core/target.ts";
import { composedFrom } from "../engine/composed-from.ts";
import { readConnectArguments } from "../lazy-socket/connect-arguments.ts";
import { lazySocket } from "../lazy-socket/lazy-socket.ts";
import { checkDialer, invalid, isPlain, show } from "../support/validate.ts";
import { checkWebDial, refuseOptions, type WebDialOptions } from "./options.ts";

/** Options of {@link DialedAgent}, in addition to those of `http.Agent`. */
export interface DialedAgentOptions<C extends Duplex = Socket> extends AgentOptions {
  /** Options of every dial. @defaultValue none */
  dial?: WebDialOptions<C> | undefined;
}

/** Options that an agent passes to `createConnection`: those of the request and those of the agent. */
export interface AgentConnectOptions extends ClientRequestArgs, Omit<ConnectionOptions, keyof ClientRequestArgs> {
  /** Node's key for connections that are interchangeable. @defaultValue none */
  readonly _agentKey?: string | undefined;
}

/** Node's callback of `createConnection`, for an error; a socket that is returned is not reported. */
export type ConnectCallback = (error: Error | null, socket: Duplex) => void;

/** TLS of one connection, as options of its dial. */
export interface SecureDial<C extends Duplex> {
  readonly handshake: Handshake<C>;
  readonly event: "secureConnect";
}

const maxTimeoutMs = 2 ** 31 - 1;

const instead: Readonly<Record<string, string>> = {
  lookup: "names are resolved by the dialer; give it to tcp()",
  family: "names are resolved by the dialer; give it to tcp()",
  localAddress: "connections are made by the dialer",
  proxyEnv: "connections are made by the dialer; use proxyFromEnvironment()",
};

/**
 * Returns the options for Node's own agent.
 *
 * @throws TypeError naming the option.
 */
export function nodeOptions(factory: string, options: object): object {
  if (!isPlain(options)) throw invalid(TypeError, `${factory}: options must be an object, got ${show(options)}`);
  refuseOptions(factory, options, instead);
  return { ...options, dial: undefined };
}

/** The dials of one `http.Agent` or `https.Agent`. */
export class AgentDials<C extends Duplex> {
  /** The caller's own handshake. */
  readonly handshake: Handshake<C> | undefined;
  readonly #factory: string;
  readonly #dialer: Dialer<C>;
  readonly #dial: WebDialOptions<C>;
  /** The async context of each request, in which its dial runs: the dial of a queued request starts much later. */
  readonly #contexts = new WeakMap<ClientRequest, AsyncResource>();

  /** @throws TypeError or RangeError naming the option. */
  constructor(factory: string, dialer: Dialer<C>, agent: object, dial: WebDialOptions<C> = {}) {
    checkDialer(`${factory}: dialer`, dialer);
    this.#factory = factory;
    this.#dialer = composedFrom(dialer);
    checkWebDial(factory, this.#dialer, dial);
    const { handshake, owner = agent, ...rest } = dial;
    this.handshake = handshake;
    this.#dial = { owner, ...rest };
  }

  /** Notes the context of a request. */
  noteContext(request: ClientRequest): void {
    this.#contexts.set(request, new AsyncResource("dialtrace.request"));
  }

  /** Calls `create` in the context of its request. */
  inContextOf(request: ClientRequest, create: () => void): void {
    const context = this.#contexts.get(request);
    if (context === undefined) create();
    else context.runInAsyncScope(create);
  }

  /**
   * Returns a socket that is being dialed. An error in the options of the request is passed to `callback`.
   *
   * @param secure - TLS for the connection, if any.
   */
  open(
    options: AgentConnectOptions,
    secure: SecureDial<C> | undefined,
    callback?: ConnectCallback,
  ): Socket | undefined {
    try {
      refuseOptions(this.#factory, options, instead);
      const { host, port, socketPath: path, timeout } = options;
      const { target } = readConnectArguments([path ? { path } : { host, port: port ?? options.defaultPort ?? 80 }]);
      const { handshake = this.handshake, event } = secure ?? {};
      // Node does not set it on sockets that it did not make.
      const timeoutMs = timeout ? Math.min(timeout, maxTimeoutMs) : undefined;
      const parsed = target && parseTargetOf(this.#factory, target);
      return lazySocket(this.#dialer, parsed, { handshake, event, timeoutMs, ...this.#dial });
    } catch (error) {
      if (callback === undefined) throw error;
      callback(error as Error, undefined as never);
      return undefined;
    }
  }
}

/** Methods of `http.Agent` that are not in Node's types, or with another result. */
export interface AgentInternals {
  keepSocketAlive(socket: Duplex): boolean;
  addRequest(request: ClientRequest, options: object): void;
  createSocket(request: ClientRequest, options: object, callback: ConnectCallback): void;
}
