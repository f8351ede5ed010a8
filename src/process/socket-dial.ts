import { isIP, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { DialTimeoutError, timeoutMessage } from "../core/errors.ts";
import type { Address } from "../core/event-values.ts";
import type { Target } from "../core/target.ts";
import { Attempt } from "../engine/attempt.ts";
import type { DialContext } from "../engine/context.ts";
import { DialState } from "../engine/dial-state.ts";
import { outcomeOf } from "../engine/outcome.ts";
import { Timed } from "../engine/timed.ts";
import { onDestroy } from "../support/on-destroy.ts";
import type { ConnectOptions, Destination } from "./connect-target.ts";
import { watchEvents } from "./emit-watch.ts";
import { ClosedEarlyError, isTlsSocket, TlsPhase } from "./tls-phase.ts";

/** Node's own limit for one of several addresses, in milliseconds. */
const defaultAddressTimeoutMs = 250;

/** Reports what a socket does from `connect()` on as the one attempt of a dial. It only reads. */
export class SocketDial {
  readonly #socket: Socket;
  readonly #options: ConnectOptions;
  readonly #target: Target;
  readonly #destination: Destination;
  readonly #context: DialContext<Socket>;
  readonly #attempt: Attempt<Socket>;
  readonly #release: () => void;
  readonly #addresses: Address[] = [];
  #dns: Timed<"dns"> | undefined;
  #connect: Timed<"connect"> | undefined;
  #tls: TlsPhase | undefined;
  #settled = false;
  /** Settle the dial, for the layers above. */
  readonly #resolve: (socket: Socket) => void;
  readonly #reject: (error: unknown) => void;

  constructor(
    socket: Socket,
    options: ConnectOptions,
    destination: Destination,
    context: DialContext<Socket>,
    resolve: (socket: Socket) => void,
    reject: (error: unknown) => void,
  ) {
    this.#socket = socket;
    this.#options = options;
    const { target } = destination;
    this.#destination = destination;
    this.#target = target;
    this.#context = context;
    this.#resolve = resolve;
    this.#reject = reject;
    const state = context.state ?? new DialState();
    state.attempts += 1;
    this.#attempt = new Attempt(target, context, state);
    this.#start();
    this.#release = watchEvents(socket, (event, args) => this.#on(event, args));
  }

  /** Called when `connect()` has returned. Before that, Node may destroy the socket, because it connects once more. */
  started(): void {
    // Most sockets are destroyed after the dial; creating an error captures a stack trace.
    onDestroy(this.#socket, (error) => {
      if (!this.#settled) this.fail(error ?? new ClosedEarlyError());
    });
  }

  get target(): Target {
    return this.#target;
  }

  get context(): DialContext<Socket> {
    return this.#context;
  }

  get socket(): Socket {
    return this.#socket;
  }

  /** Ends the dial, if it has not ended: the socket was destroyed, or `connect()` threw. */
  fail(error: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#release();
    const ended = outcomeOf(error, undefined);
    this.#dns?.fail(ended, { addresses: [] });
    this.#connect?.fail(ended);
    this.#tls?.fail(error);
    this.#reject(this.#attempt.fail(error));
  }

  #start(): void {
    const { address, target } = this.#destination;
    if (address !== undefined) this.#try(address);
    else this.#dns = new Timed(this.#context, "dns", { host: target.host });
  }

  #on(event: string | symbol, args: readonly unknown[]): void {
    switch (event) {
      case "lookup":
        this.#lookedUp(args[0], args[1], args[2]);
        break;
      case "connectionAttempt":
        this.#tried(String(args[0]), Number(args[1]), args[2]);
        break;
      case "connectionAttemptFailed":
        this.#addressFailed(args[3]);
        break;
      case "connectionAttemptTimeout":
        this.#addressFailed(this.#timeoutOf(String(args[0])));
        break;
      case "connect":
        this.#connected();
        break;
      case "secureConnect":
        this.#tls?.succeed();
        this.#established();
        break;
    }
  }

  #lookedUp(error: unknown, ip: unknown, family: unknown): void {
    if (error) {
      this.#dns?.fail(outcomeOf(error, undefined), { addresses: [] });
      this.#dns = undefined;
    } else if (typeof ip === "string") {
      this.#addresses.push(Object.freeze({ address: ip, port: this.#target.port, family: familyOf(family) }));
    }
  }

  /** Ends the lookup: Node emits every address of a name before it tries the first. */
  #endLookup(): void {
    this.#dns?.succeed({ addresses: Object.freeze(this.#addresses) });
    this.#dns = undefined;
  }

  #tried(ip: string, port: number, family: unknown): void {
    this.#endLookup();
    // The connect to an IP literal or a path has started already.
    if (this.#connect === undefined) this.#try(Object.freeze({ address: ip, port, family: familyOf(family) }));
  }

  #try(address: Address): void {
    this.#connect = new Timed(this.#context, "connect", { address });
  }

  #addressFailed(error: unknown): void {
    this.#connect?.fail(outcomeOf(error, undefined));
    this.#connect = undefined;
  }

  #connected(): void {
    const socket = this.#socket;
    this.#endLookup();
    // Deno reports no address before the socket is connected.
    if (this.#connect === undefined) this.#try(peerOf(socket, this.#target));
    this.#connect?.succeed({ socket });
    this.#connect = undefined;
    if (isTlsSocket(socket)) this.#startTls(socket);
    else this.#established();
  }

  #startTls(socket: TLSSocket): void {
    this.#tls = new TlsPhase(socket, this.#context, this.#target, this.#options.servername);
  }

  /** Called before the listeners of the client, which may destroy the socket at once. */
  #established(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#release();
    this.#resolve(this.#attempt.succeed(this.#socket));
  }

  #timeoutOf(ip: string): DialTimeoutError {
    const given = this.#options.autoSelectFamilyAttemptTimeout;
    const timeoutMs = typeof given === "number" ? given : defaultAddressTimeoutMs;
    const message = timeoutMessage(`connect to ${ip}`, timeoutMs, 0);
    return new DialTimeoutError(message, { scope: "phase", timeoutMs, target: this.#target });
  }
}

function familyOf(family: unknown): Address["family"] {
  if (family === 6 || family === "IPv6") return "ipv6";
  return "ipv4";
}

function peerOf(socket: Socket, { host, port }: Target): Address {
  const { remoteAddress = host, remotePort = port } = socket;
  return { address: remoteAddress, port: remotePort, family: familyOf(isIP(remoteAddress)) };
}
