import { isIP, type Socket } from "node:net";
import type { PeerCertificate, TLSSocket } from "node:tls";
import type { ServerInfo } from "@nats-io/transport-node";
import type { ServerIdentity } from "../client/client-trace.ts";
import type { Dialer, HandshakeContext } from "../core/dialer.ts";
import { DialError } from "../core/errors.ts";
import type { ConnClosedInfo } from "../core/trace.ts";
import { tracedTls } from "../dialers/traced-tls.ts";
import { discard } from "../support/connection.ts";
import { wrongReturn } from "../support/returned.ts";
import { blankerOf, noteSecrets, type SentSecrets } from "../support/sent-secrets.ts";
import { certificateVerdict } from "./client-certificate.ts";
import { ClientClosedError } from "./closed-error.ts";
import type { CredentialValidities } from "./credential-validity.ts";
import { closedBeforeReady, dialFailure } from "./dial-failure.ts";
import { Greeting } from "./greeting.ts";
import { guardDestroy } from "./guard-destroy.ts";
import { type Blank, identityOf, readInfo, serverAttributes } from "./info.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { NatsLibrary, NodeConnectionOptions } from "./nats-library.ts";
import { overrideMethods } from "./patch.ts";
import { noteCredentials } from "./sent-credentials.ts";
import { explained } from "./stock-cause.ts";
import { tlsFilesOf } from "./tls-files.ts";
import { tlsNames } from "./tls-options.ts";

type NodeTransport = InstanceType<NatsLibrary["NodeTransport"]>;
type HostPort = Parameters<NodeTransport["connect"]>[0];
type ReplacedMethods = Pick<
  NodeTransport,
  "connect" | "dial" | "tlsFirst" | "startTLS" | "loadClientCerts" | "peekInfo" | "close" | "discard" | "disconnect"
>;

/** Time in milliseconds that a requested reconnect waits for pending writes. */
const flushBeforeReconnectMs = 1_000;

/** What a transport reads from its client, and what it reports to it. */
interface TransportOwner {
  /** The client's `timeout` for each server, in milliseconds. */
  readonly timeoutMs: number;
  /** Credentials that the client has sent to its servers. */
  readonly sent: SentSecrets;
  credentialsSent: CredentialValidities["sent"];
  dialFailed(error: Error): void;
  connectionClosed(info: ConnClosedInfo): void;
}

/**
 * Connects the library's transport through a dialer. Everything between an open socket and a usable connection (INFO,
 * the TLS upgrade, CONNECT, PONG) is the dial's handshake. A dial that is given up leaves no socket and no timer behind.
 *
 * The library's `connect` ends when CONNECT can be sent; the dial ends when the server has answered CONNECT.
 */
export class DialedTransport {
  /** The library's transport, with its dialing and closing replaced. */
  readonly node: NodeTransport;
  /** The certificate that was shown to the server, if any. */
  clientCertificate: Partial<PeerCertificate> | undefined;
  readonly #stock: ReplacedMethods;
  readonly #dialer: Dialer;
  readonly #lifecycle: Lifecycle;
  readonly #owner: TransportOwner;
  readonly #abort = new AbortController();
  readonly #greeting = new Greeting(this.#abort.signal);
  #server = "";
  #tlsHost = "";
  #tlsFiles: ReturnType<typeof tlsFilesOf>;
  #conn: Socket | undefined;
  #handshake: HandshakeContext | undefined;
  #identity: ServerIdentity = {};
  #verifiesClients = false;
  #dialed: Promise<unknown> = Promise.resolve();

  constructor({ NodeTransport }: NatsLibrary, dialer: Dialer, lifecycle: Lifecycle, owner: TransportOwner) {
    this.#dialer = dialer;
    this.#lifecycle = lifecycle;
    this.#owner = owner;
    this.node = new NodeTransport();
    this.#stock = overrideMethods<NodeTransport, keyof ReplacedMethods>(this.node, {
      connect: (server, options) => this.#connect(server, options),
      // The library asks for a socket; the dialer has opened it already.
      dial: async () => this.#open(),
      tlsFirst: (server) => this.#tlsFirst(server as HostPort),
      startTLS: () => this.#startTls(),
      loadClientCerts: () => this.#loadClientCerts(),
      peekInfo: () => this.#peekInfo(),
      close: (error) => this.close(error),
      discard: () => this.#discard(),
      disconnect: () => this.#disconnect(),
    });
    this.node[Symbol.asyncIterator] = () => this.#frames();
  }

  /** The server's identity, from its INFO. */
  get identity(): ServerIdentity {
    return this.#identity;
  }

  /** Why the dial was given up, if it was. It is more specific than the error that the library derives from it. */
  get givenUpFor(): unknown {
    return this.#abort.signal.reason;
  }

  /** Removes from a server's message the credentials that were sent to it or to a proxy. */
  readonly blank: Blank = (text) => {
    const blank = this.#conn && blankerOf(this.#conn);
    return blank === undefined ? this.#owner.sent.blankIn(text) : blank(text);
  };

  /** Runs `send`, which sends CONNECT, and records the credentials that it sends. */
  sendConnect(send: () => void): void {
    // On the instance for this call only, so that sending messages costs nothing extra.
    const stock = overrideMethods(this.node, {
      send: (frame) => {
        const credentials = noteCredentials(this.#owner.sent, frame);
        if (credentials !== undefined) this.#owner.credentialsSent(credentials, this.clientCertificate);
        stock.send(frame);
      },
    });
    try {
      send();
    } finally {
      Reflect.deleteProperty(this.node, "send");
    }
    this.#handshake?.event("connect");
  }

  /** The server has answered CONNECT: ends the dial's handshake, and settles when the dial does. */
  async pongReceived(): Promise<void> {
    this.#greeting.pongReceived();
    await this.#dialed;
    const { socket } = this.node;
    if (socket === undefined || socket.destroyed) throw this.#failure(closedBeforeReady());
  }

  /** Ends a dial in progress. Has no effect on an open connection. */
  giveUp(reason: unknown): void {
    this.#abort.abort(reason);
  }

  /** Ends a dial that has taken longer than the client's `timeout`; `error` is the library's own timeout error. */
  timedOut(error: Error, lateByMs: number): void {
    this.giveUp(this.#failure(error, lateByMs));
  }

  /** Ends the dial or the connection: because of the client's timeout, an error, or the user's `close()`. */
  close(error?: Error): Promise<void> {
    if (!this.#abort.signal.aborted) {
      this.giveUp(error === undefined ? new ClientClosedError() : this.#failure(error));
    }
    return this.#stock.close(error);
  }

  /** Ends a connection whose server no longer answers, without waiting for pending writes. */
  destroy(): void {
    this.node.socket?.destroy();
  }

  #connect(server: HostPort, options: NodeConnectionOptions): Promise<void> {
    this.#server =
      isIP(server.hostname) === 6 ? `[${server.hostname}]:${server.port}` : `${server.hostname}:${server.port}`;
    this.#tlsFiles = tlsFilesOf(options);
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => {
        reject(error);
        this.#owner.dialFailed(error);
      };
      const { signal } = this.#abort;
      // Later than the rejection of a dialer that heeds its signal; a dialer that ignores it must not delay the client.
      signal.addEventListener("abort", () => setImmediate(fail, signal.reason), { once: true });
      this.#dialed = this.#dial(server, options, resolve);
      this.#dialed.catch(fail);
    });
  }

  async #dial(server: HostPort, options: NodeConnectionOptions, canSendConnect: () => void): Promise<void> {
    const lifecycle = this.#lifecycle;
    lifecycle.dialing(this.#server);
    const conn = await this.#dialer(
      { host: server.hostname, port: server.port },
      {
        signal: this.#abort.signal,
        background: lifecycle.connectedOnce,
        owner: lifecycle.events.client,
        trace: {
          connClosed: (info) => this.#owner.connectionClosed(info),
        },
        handshake: (opened, context) => this.#shakeHands(opened, context, server, options, canSendConnect),
      },
    );
    if (this.#conn === undefined) {
      discard(conn);
      throw wrongReturn("connect: dialer", "resolved without running the handshake; make it with compose()", conn);
    }
  }

  async #shakeHands(
    opened: Socket,
    context: HandshakeContext,
    server: HostPort,
    options: NodeConnectionOptions,
    canSendConnect: () => void,
  ): Promise<Socket> {
    guardDestroy(opened);
    if (this.#abort.signal.aborted) opened.destroy();
    this.#abort.signal.throwIfAborted();
    this.#conn = opened;
    noteSecrets(opened, this.#owner.sent);
    this.#handshake = context;
    this.node.yields = [];
    // The client sets `tlsName` only for addresses that it has resolved itself.
    this.#tlsHost = server.tlsName || server.hostname;
    await this.#stock.connect(server, options).catch((error: unknown) => Promise.reject(explained(error)));
    const fail = (error: Error) => this.giveUp(this.#failure(error));
    void this.node.closed().then((error) => fail(error ?? closedBeforeReady()));
    const giveUp = (reason: unknown) => this.giveUp(reason);
    await this.#greeting.run(this.node.socket, context, { canSendConnect, giveUp, fail });
    return this.node.socket;
  }

  #open(): Socket {
    if (this.#conn === undefined) throw new Error("the transport has not been dialed");
    return this.#conn;
  }

  #tlsFirst(server: HostPort): Promise<TLSSocket> {
    this.node.socket = this.#open();
    return this.#secure(() => this.#stock.tlsFirst(server));
  }

  #startTls(): Promise<TLSSocket> {
    return this.#secure(async () => {
      const socket = await this.#stock.startTLS();
      if (this.#verifiesClients) await certificateVerdict(socket);
      return socket;
    });
  }

  async #secure(upgrade: () => Promise<TLSSocket>): Promise<TLSSocket> {
    const { node } = this;
    // Without a host the library would check the certificate of an IP address against "localhost".
    const names = tlsNames(node.options.tls as Parameters<typeof tlsNames>[0], this.#tlsHost);
    node.options = { ...node.options, tls: { ...node.options.tls, ...names } as object };
    const socket = await tracedTls(this.#handshake ?? {}, names.servername, upgrade);
    this.clientCertificate = socket.getCertificate() ?? undefined;
    return socket;
  }

  /** Files are read here: the library would use a file that is only half written. */
  async #loadClientCerts(): Promise<object> {
    return (await (this.#tlsFiles?.options() ?? this.#stock.loadClientCerts())) ?? {};
  }

  async #peekInfo(): Promise<ServerInfo> {
    const { node } = this;
    const info = await readInfo(node.socket, node.yields, this.blank);
    this.#identity = identityOf(info, this.blank);
    this.#verifiesClients = info.tls_verify === true;
    this.#handshake?.event("info");
    this.#handshake?.describe({ name: "nats", attributes: serverAttributes(this.#identity) });
    return info;
  }

  /** The client replaces this transport with another. */
  #discard(): void {
    const { node } = this;
    this.giveUp(new ClientClosedError());
    node.done = true;
    node.socket?.removeAllListeners();
    node.socket?.destroy();
  }

  /** Ends the connection after pending writes. The library would wait forever for a server that does not read. */
  #disconnect(): void {
    const { socket } = this.node;
    const timer = setTimeout(() => socket?.destroy(), flushBeforeReconnectMs);
    void this.node.closed().then(() => clearTimeout(timer));
    this.#stock.disconnect();
  }

  /** The library stops reading before the end only after its parser or a subscription's callback has thrown. */
  #frames(): AsyncIterableIterator<Uint8Array> {
    const frames = this.node.iterate();
    const end = frames.return?.bind(frames);
    frames.return = (value) => {
      // The library would stay connected and read nothing more.
      const error = new DialError("the client stopped reading; it has printed the reason", { reason: "protocol" });
      this.giveUp(this.#failure(error));
      this.node.socket?.destroy(error);
      return end?.(value) ?? Promise.resolve({ done: true, value: undefined });
    };
    return frames;
  }

  #failure(error: Error, lateByMs = 0): Error {
    const { timeoutMs } = this.#owner;
    return dialFailure(error, { server: this.#server, timeoutMs, lateByMs, blank: this.blank });
  }
}
