import type { ClientRequest } from "node:http";
import { Agent, type AgentOptions } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Dialer } from "../core/dialer.ts";
import { SessionCache } from "../dialers/tls-sessions.ts";
import { tlsUpgrade } from "../dialers/tls-upgrade.ts";
import { markFactories } from "../support/roles.ts";
import {
  type AgentConnectOptions,
  AgentDials,
  type AgentInternals,
  type ConnectCallback,
  type DialedAgentOptions,
  nodeOptions,
} from "./agent-dials.ts";

/** Options of {@link DialedHttpsAgent}, in addition to those of `https.Agent`. */
export interface DialedHttpsAgentOptions<C extends Duplex = Socket>
  extends Omit<AgentOptions, keyof DialedAgentOptions>,
    DialedAgentOptions<C> {}

const base = Agent.prototype as unknown as AgentInternals;

const protocols = ["http/1.1", "http/1.0"] as const;

/**
 * An `https.Agent` whose connections are made by a dialer. The dialer decides about TLS: a connection of `tls()` is used
 * as it is. Any other connection, through a proxy too, gets TLS within its dial, with the options for TLS of the request
 * and the agent. Nothing is sent in the clear.
 *
 * @throws TypeError or RangeError naming the option.
 * @example
 * const agent = new DialedHttpsAgent(compose(withTimeout({ timeoutMs: 10_000 }), withRetry(), tcp()), { ca });
 * https.get("https://api.internal/", { agent });
 * @see {@link DialedAgent}
 */
export class DialedHttpsAgent<C extends Duplex = Socket> extends Agent {
  readonly #dials: AgentDials<C>;
  readonly #sessions: SessionCache | undefined;

  /**
   * @param dialer - makes the connections. Bound its dials with `withTimeout`.
   * @param options - those of `https.Agent`, and `dial`.
   */
  constructor(dialer: Dialer<C>, options: DialedHttpsAgentOptions<C> = {}) {
    super(nodeOptions("DialedHttpsAgent", options));
    this.#dials = new AgentDials("DialedHttpsAgent", dialer, this, options.dial);
    if (options.maxCachedSessions !== 0) this.#sessions = new SessionCache();
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
    const handshake = tlsUpgrade<C>({
      options: options as object,
      protocols,
      // Node does not check the identity in a resumed session.
      sessions: options.checkServerIdentity === undefined ? this.#sessions : undefined,
      sessionKey: options._agentKey ?? "",
      before: this.#dials.handshake,
    });
    const withDefault = { ...options, port: options.port ?? 443 };
    return this.#dials.open(withDefault, { handshake, event: "secureConnect" }, callback) as Socket;
  }
}

markFactories({ DialedHttpsAgent });
