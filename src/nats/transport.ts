import { isIP, type Socket } from "node:net";
import type { PeerCertificate, TLSSocket } from "node:tls";
import type { ServerInfo } from "@nats-io/transport-node";
import type { ServerIdentity } from "../client/client-trace.ts";
import { classify } from "../core/classify.ts";
import type { Dialer, HandshakeContext } from "../core/dialer.ts";
import { DialError, DialTimeoutError, latenessNote } from "../core/errors.ts";
import { parseTarget } from "../core/target.ts";
import { discard } from "../support/connection.ts";
import { messageOf } from "../support/message.ts";
import { cleanError } from "../support/printable.ts";
import { wrongReturn } from "../support/returned.ts";
import { blankerOf, noteSecrets, type SentSecrets } from "../support/sent-secrets.ts";
import { certificateVerdict } from "./client-certificate.ts";
import { ClientClosedError } from "./closed-error.ts";
import { guardDestroy } from "./guard-destroy.ts";
import { holdBack } from "./hold-back.ts";
import { type Blank, identityOf, maxInfoBytes, readInfo } from "./info.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { NodeConnectionOptions, Upstream } from "./nats-library.ts";
import { noteCredentials } from "./sent-credentials.ts";
import { explained } from "./stock-cause.ts";
import { tlsFilesOf } from "./tls-files.ts";
import { tlsNames } from "./tls-options.ts";
import { tracedTls } from "./traced-tls.ts";

type NodeTransport = InstanceType<Upstream["NodeTransport"]>;
type HostPort = Parameters<NodeTransport["connect"]>[0];

/** How long a reconnect that was asked for waits for what is still to be written. */
const flushBeforeReconnectMs = 1_000;

/** The client's transport, over a dialer. */
export interface DialedTransport extends NodeTransport {
  /** What the server says of itself. */
  readonly identity: ServerIdentity;
  /** Fingerprint of the certificate that was shown to the server, if one was. */
  readonly clientCertificate: string | undefined;
  /** Runs what sends CONNECT, and notes the credentials that it sends. */
  greeting(send: () => void): void;
  /** Blanks in a server's words the credentials that it, or a proxy before it, was sent. */
  readonly blank: Blank;
  /** The server has taken CONNECT: ends the dial's handshake, and settles as the dial does. */
  welcomed(): Promise<void>;
  /** Why the dial was given up, if it was; better than what upstream makes of it. */
  readonly givenUpFor: unknown;
  /** Ends a dial under way; an open connection is not affected. */
  giveUp(why: unknown): void;
  /** Ends a dial that has taken longer than the client's `timeout`; `error` is upstream's own for that. */
  timedOut(error: Error, lateByMs: number): void;
  /** Ends a connection whose server no longer answers: what is still to be written would never arrive. */
  destroy(): void;
}

/** Whom a transport tells of its end, each as soon as it is known. */
interface TransportOwner {
  /** The client's `timeout` for each server. */
  readonly timeoutMs: number;
  /** What the client has sent to its servers. */
  readonly sent: SentSecrets;
  dialFailed(error: Error): void;
  connectionClosed(): void;
}

type DialedTransportClass = new (dialer: Dialer, lifecycle: Lifecycle, owner: TransportOwner) => DialedTransport;

/**
 * Makes of a client's transport one over a dialer. All that lies between an open socket and a usable one
 * (INFO, TLS upgrade, CONNECT, PONG) is the dial's handshake; how the socket is made is the dialer's;
 * and what upstream leaves behind when a connect is given up is taken down here.
 *
 * Upstream's `connect` ends when CONNECT can be sent, the dial when the server has answered it.
 */
export function dialedTransport({ NodeTransport }: Upstream): DialedTransportClass {
  return class DialedTransport extends NodeTransport {
    clientCertificate: string | undefined;
    readonly #dialer: Dialer;
    readonly #lifecycle: Lifecycle;
    readonly #owner: TransportOwner;
    readonly #abort = new AbortController();
    #server = "";
    #tlsHost = "";
    #tlsFiles: ReturnType<typeof tlsFilesOf>;
    #conn: Socket | undefined;
    #handshake: HandshakeContext | undefined;
    #identity: ServerIdentity = {};
    #verifiesClients = false;
    #dialed: Promise<unknown> = Promise.resolve();
    #welcome: () => void = () => {};

    constructor(dialer: Dialer, lifecycle: Lifecycle, owner: TransportOwner) {
      super();
      this.#dialer = dialer;
      this.#lifecycle = lifecycle;
      this.#owner = owner;
    }

    get identity(): ServerIdentity {
      return this.#identity;
    }

    override connect(server: HostPort, options: NodeConnectionOptions): Promise<void> {
      this.#server =
        isIP(server.hostname) === 6 ? `[${server.hostname}]:${server.port}` : `${server.hostname}:${server.port}`;
      this.#tlsFiles = tlsFilesOf(options);
      return new Promise((resolve, reject) => {
        const fail = (error: Error) => {
          reject(error);
          this.#owner.dialFailed(error);
        };
        const { signal } = this.#abort;
        // After a dialer that heeds its signal; one that ignores it must not hold the client up.
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
            connClosed: (info) => {
              this.#owner.connectionClosed();
              lifecycle.connectionClosed(info);
            },
          },
          handshake: async (opened, context) => {
            guardDestroy(opened);
            if (this.#abort.signal.aborted) opened.destroy();
            this.#abort.signal.throwIfAborted();
            this.#conn = opened;
            noteSecrets(opened, this.#owner.sent);
            this.#handshake = context;
            this.yields = [];
            // The client names the host to check only for addresses that it resolved itself.
            this.#tlsHost = server.tlsName || server.hostname;
            await super.connect(server, options).catch((error: unknown) => Promise.reject(explained(error)));
            await this.#greeting(context, canSendConnect);
            return this.socket;
          },
        },
      );
      if (this.#conn === undefined) {
        discard(conn);
        throw wrongReturn("connect: dialer", "resolved without running the handshake; make it with compose()", conn);
      }
    }

    /**
     * The rest of the handshake, in which the client says CONNECT and the server answers. From here on
     * the client's own loop decides on another try: whatever ends this attempt ends the dial.
     */
    async #greeting(context: HandshakeContext, canSendConnect: () => void): Promise<void> {
      const { signal } = context;
      const { socket } = this;
      const endDial = () => this.giveUp(signal?.reason);
      const bound = () => {
        if (socket.bytesRead > 2 * maxInfoBytes)
          this.giveUp(this.#failure(new Error("unexpected response from server: too long")));
      };
      const answered = new Promise<void>((resolve, reject) => {
        this.#welcome = resolve;
        this.#abort.signal.addEventListener("abort", () => reject(this.#abort.signal.reason), { once: true });
      });
      void this.closed().then((error) => this.giveUp(this.#failure(error ?? hungUp())));
      signal?.addEventListener("abort", endDial, { once: true });
      socket.on("data", bound);
      holdBack(socket);
      canSendConnect();
      try {
        await answered;
        context.event("pong");
      } finally {
        signal?.removeEventListener("abort", endDial);
        socket.off("data", bound);
      }
    }

    greeting(send: () => void): void {
      // An own property, so that sending costs no more than upstream's own at any other time.
      this.send = (frame) => {
        noteCredentials(this.#owner.sent, frame);
        super.send(frame);
      };
      try {
        send();
      } finally {
        Reflect.deleteProperty(this, "send");
      }
      this.#handshake?.event("connect");
    }

    readonly blank: Blank = (text) => {
      const blank = this.#conn && blankerOf(this.#conn);
      return blank === undefined ? this.#owner.sent.blankIn(text) : blank(text);
    };

    async welcomed(): Promise<void> {
      this.#welcome();
      await this.#dialed;
      if (this.socket === undefined || this.socket.destroyed) throw this.#failure(hungUp());
    }

    get givenUpFor(): unknown {
      return this.#abort.signal.reason;
    }

    /** Upstream asks for a socket: the dialer's, which is open already. */
    override async dial(): Promise<Socket> {
      return this.#open();
    }

    override async tlsFirst(server: HostPort): Promise<TLSSocket> {
      this.socket = this.#open();
      return this.#secure(() => super.tlsFirst(server));
    }

    override async startTLS(): Promise<TLSSocket> {
      return this.#secure(async () => {
        const socket = await super.startTLS();
        if (this.#verifiesClients) await certificateVerdict(socket);
        return socket;
      });
    }

    async #secure(upgrade: () => Promise<TLSSocket>): Promise<TLSSocket> {
      // Without a host upstream would check a certificate of an address against "localhost".
      const names = tlsNames(this.options.tls as Parameters<typeof tlsNames>[0], this.#tlsHost);
      this.options = { ...this.options, tls: { ...this.options.tls, ...names } as object };
      const socket = await tracedTls(this.#handshake?.trace, names.servername, upgrade);
      this.clientCertificate = (socket.getCertificate() as Partial<PeerCertificate> | null)?.fingerprint256;
      return socket;
    }

    /** Upstream's way reads files, too, and uses them as they are. */
    override async loadClientCerts(): Promise<object> {
      return (await (this.#tlsFiles?.() ?? super.loadClientCerts())) ?? {};
    }

    override async peekInfo(): Promise<ServerInfo> {
      const info = await readInfo(this.socket, this.yields, this.blank);
      const identity = identityOf(info, this.blank);
      this.#identity = identity;
      this.#verifiesClients = info.tls_verify === true;
      this.#handshake?.event("info");
      this.#handshake?.describe({
        name: "nats",
        attributes: Object.fromEntries(
          Object.entries({
            "nats.server.id": identity.id,
            "nats.server.name": identity.name,
            "nats.server.version": identity.version,
            "nats.cluster": identity.cluster,
          }).filter((entry): entry is [string, string] => entry[1] !== undefined),
        ),
      });
      return info;
    }

    giveUp(why: unknown): void {
      this.#abort.abort(why);
    }

    timedOut(error: Error, lateByMs: number): void {
      this.giveUp(this.#failure(error, lateByMs));
    }

    /** The client gives this connect, or connection, up: by its timeout, an error, or the user's close. */
    override close(error?: Error): Promise<void> {
      if (!this.#abort.signal.aborted) {
        this.giveUp(error === undefined ? new ClientClosedError() : this.#failure(error));
      }
      return super.close(error);
    }

    /** The client replaces this transport by another. */
    override discard(): void {
      this.giveUp(new ClientClosedError());
      this.done = true;
      this.socket?.removeAllListeners();
      this.socket?.destroy();
    }

    /**
     * Ends the connection for another, after what is still to be written. Upstream waits for that
     * without bound, so with a server that reads nothing, for ever.
     */
    override disconnect(): void {
      const { socket } = this;
      const timer = setTimeout(() => socket?.destroy(), flushBeforeReconnectMs);
      void this.closed().then(() => clearTimeout(timer));
      super.disconnect();
    }

    destroy(): void {
      this.socket?.destroy();
    }

    /** Upstream ends its iteration only when its parser, or a subscription's callback, has thrown. */
    override [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
      const frames = this.iterate();
      const end = frames.return?.bind(frames);
      frames.return = (value) => {
        // Upstream would go on as if connected, and read nothing more.
        const error = new DialError("the client could not go on reading; it has printed why", { reason: "protocol" });
        this.giveUp(this.#failure(error));
        this.socket?.destroy(error);
        return end?.(value) ?? Promise.resolve({ done: true, value: undefined });
      };
      return frames;
    }

    #open(): Socket {
      if (this.#conn === undefined) throw new Error("the transport has not been dialed");
      return this.#conn;
    }

    /** What has ended the dial, as its caller is told. */
    #failure(error: Error, lateByMs = 0): Error {
      if (this.#server === "" || (error instanceof DialError && error.target !== "")) return error;
      const reason = classify(error);
      if (reason === "canceled") return error;
      cleanError(error, this.blank);
      const target = parseTarget(this.#server);
      if (reason === "timeout") {
        const { timeoutMs } = this.#owner;
        const message = `dial ${target}: no connection within the client's timeout of ${timeoutMs} ms${latenessNote(lateByMs)}`;
        return new DialTimeoutError(message, { scope: "dial", timeoutMs, lateByMs, target, cause: error });
      }
      return new DialError(`dial ${target}: ${messageOf(error)}`, { reason, target, cause: error });
    }
  };
}

function hungUp(): DialError {
  return new DialError("the server closed the connection before it was ready", { reason: "handshake_closed" });
}
