import { isIP, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { ServerInfo } from "@nats-io/transport-node";
import { NodeTransport } from "@nats-io/transport-node/lib/node_transport.js";
import type { Dialer, HandshakeContext } from "../core/dialer.ts";
import { failed } from "../core/outcome.ts";
import { tlsInfo } from "../core/tls-info.ts";
import { ClientClosedError } from "./closed-error.ts";
import { readInfo } from "./info.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { NodeConnectionOptions } from "./upstream.ts";

type HostPort = Parameters<NodeTransport["connect"]>[0];

/**
 * transport-node's transport over a dialer. What upstream does between an open socket and a usable one
 * (INFO, TLS upgrade) runs as the dial's handshake; how the socket is made is the dialer's; and what
 * upstream leaves behind when a connect is given up is taken down here.
 */
export class DialedTransport extends NodeTransport {
  readonly #dialer: Dialer;
  readonly #lifecycle: Lifecycle;
  readonly #abort = new AbortController();
  #conn: Socket | undefined;
  #handshake: HandshakeContext | undefined;
  #hostname = "";

  constructor(dialer: Dialer, lifecycle: Lifecycle) {
    super();
    this.#dialer = dialer;
    this.#lifecycle = lifecycle;
  }

  override async connect(server: HostPort, options: NodeConnectionOptions): Promise<void> {
    const { hostname, port } = server;
    this.#hostname = hostname;
    // The client names the host to check only for addresses that it resolved itself.
    const tlsName = server.tlsName || (isIP(hostname) ? "" : hostname);
    const lifecycle = this.#lifecycle;
    lifecycle.dialing(`${hostname}:${port}`);
    await this.#dialer(
      { host: hostname, port },
      {
        signal: this.#abort.signal,
        background: lifecycle.connectedOnce,
        trace: { connClosed: (info) => lifecycle.connectionClosed(info) },
        handshake: async (conn, context) => {
          this.#conn = conn;
          this.#handshake = context;
          this.yields = [];
          await super.connect({ hostname, port, tlsName }, options);
          return this.socket;
        },
      },
    );
  }

  /** Upstream asks for a socket: the dialer's, which is open already. */
  override async dial(): Promise<Socket> {
    return this.#open();
  }

  override async tlsFirst(server: HostPort): Promise<TLSSocket> {
    this.socket = this.#open();
    return this.#tracedTls(() => super.tlsFirst(server));
  }

  override async startTLS(): Promise<TLSSocket> {
    // Without a name upstream would check the certificate against "localhost".
    if (this.tlsName === "")
      this.options = { ...this.options, tls: { ...this.options.tls, host: this.#hostname } as object };
    return this.#tracedTls(() => super.startTLS());
  }

  override async peekInfo(): Promise<ServerInfo> {
    const info = await readInfo(this.socket, this.yields);
    const { server_id, server_name, version, cluster } = info;
    this.#handshake?.describe({
      name: "nats",
      attributes: Object.fromEntries(
        Object.entries({
          "nats.server.id": server_id,
          "nats.server.name": server_name,
          "nats.server.version": version,
          "nats.cluster": cluster,
        }).filter((entry): entry is [string, string] => typeof entry[1] === "string" && entry[1] !== ""),
      ),
    });
    return info;
  }

  /** Ends a dial under way; an open connection is not affected. */
  giveUp(why: unknown): void {
    this.#abort.abort(why);
  }

  /** The client gives this connect, or connection, up: by its timeout, an error, or the user's close. */
  override close(error?: Error): Promise<void> {
    this.giveUp(error ?? new ClientClosedError());
    return super.close(error);
  }

  /** The client replaces this transport by another. */
  override discard(): void {
    this.giveUp(new ClientClosedError());
    this.done = true;
    this.socket?.removeAllListeners();
    this.socket?.destroy();
  }

  #open(): Socket {
    if (this.#conn === undefined) throw new Error("the transport has not been dialed");
    return this.#conn;
  }

  async #tracedTls(upgrade: () => Promise<TLSSocket>): Promise<TLSSocket> {
    const trace = this.#handshake?.trace;
    const serverName = this.tlsName;
    trace?.tlsHandshakeStart?.({ serverName });
    const startedAt = performance.now();
    try {
      const socket = await upgrade();
      trace?.tlsHandshakeDone?.({
        serverName,
        durationMs: performance.now() - startedAt,
        outcome: "success",
        ...tlsInfo(socket),
      });
      return socket;
    } catch (error) {
      trace?.tlsHandshakeDone?.({ serverName, durationMs: performance.now() - startedAt, ...failed(error, undefined) });
      throw error;
    }
  }
}
