import { Agent, type ClientRequest } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Dialer } from "../core/dialer.ts";
import { markFactories } from "../support/roles.ts";
import {
  type AgentConnectOptions,
  AgentDials,
  type AgentInternals,
  type ConnectCallback,
  type DialedAgentOptions,
  nodeOptions,
} from "./agent-dials.ts";

const base = Agent.prototype as unknown as AgentInternals;

/**
 * An `http.Agent` whose connections are made by a dialer. Its sockets exist immediately, so `maxSockets`, `timeout`,
 * `destroy()` and the signal of a request apply while they are being dialed.
 *
 * @throws TypeError or RangeError naming the option.
 * @example
 * const agent = new DialedAgent(compose(withTimeout({ timeoutMs: 10_000 }), withRetry(), tcp()), { keepAlive: true });
 * http.get("http://api.internal/", { agent });
 */
export class DialedAgent<C extends Duplex = Socket> extends Agent {
  readonly #dials: AgentDials<C>;

  /**
   * @param dialer - makes the connections. Bound its dials with `withTimeout`.
   * @param options - those of `http.Agent`, and `dial`.
   */
  constructor(dialer: Dialer<C>, options: DialedAgentOptions<C> = {}) {
    super(nodeOptions("DialedAgent", options));
    this.#dials = new AgentDials("DialedAgent", dialer, this, options.dial);
  }

  /** Called by Node for each request. */
  addRequest(request: ClientRequest, options: object): void {
    this.#dials.noteContext(request);
    base.addRequest.call(this, request, options);
  }

  /** Called by Node when a request needs a connection. */
  createSocket(request: ClientRequest, options: object, callback: ConnectCallback): void {
    this.#dials.inContextOf(request, () => base.createSocket.call(this, request, options, callback));
  }

  /** Called by Node for a socket whose request is over; one that is still being dialed is not kept. */
  override keepSocketAlive(socket: Duplex): boolean {
    return !(socket as Socket).connecting && base.keepSocketAlive.call(this, socket);
  }

  /** Called by Node: returns a socket that is being dialed. */
  override createConnection(options: AgentConnectOptions, callback?: ConnectCallback): Socket {
    return this.#dials.open(options, undefined, callback) as Socket;
  }
}

markFactories({ DialedAgent });
