import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Dialer } from "../core/dialer.ts";
import { parseTargetOf, type Target, type TargetLike } from "../core/target.ts";
import { composedFrom } from "../engine/composed-from.ts";
import { contextOf } from "../engine/context.ts";
import { clientDialOptionNames } from "../engine/dial-options.ts";
import { lazySocket, lazySocketMode } from "../lazy-socket/lazy-socket.ts";
import type { LazySocketOptions } from "../lazy-socket/options.ts";
import { onDestroy } from "../support/on-destroy.ts";
import { checkDialer, checkOptions, invalid, type OptionNames } from "../support/validate.ts";
import type { ClientSocketOptions } from "./options.ts";

/** Options that an adapter sets itself. */
export type SocketOptions<C extends Duplex> = Pick<
  LazySocketOptions<C>,
  "startOnConnect" | "timeoutMs" | "event" | "handshake" | "background"
>;

/** Returns whether a socket has been connected, also after its close. */
type WasConnected = (socket: Socket) => boolean;

/**
 * The dials of one client or pool, made by one adapter. All of them have the same owner. A dial is a reconnect, for which
 * no caller waits, if the client was connected before and has no connection now.
 */
export class ClientDials<C extends Duplex> {
  readonly dialer: Dialer<C>;
  readonly options: ClientSocketOptions<C>;
  /** Target of every dial; `undefined` if the client names the target. */
  readonly target: Target | undefined;
  /** Owner of the dials, unless the options name one. */
  owner: object = this;
  readonly #name: string;
  /**
   * Sockets that are connecting or connected. Others are not added, because a socket that is never connected would stay
   * forever.
   */
  readonly #sockets = new Map<Socket, WasConnected>();
  #connectedOnce = false;

  /**
   * @param name - the adapter, for messages.
   * @param target - target of every dial; without it, the target that the client names.
   * @throws TypeError or RangeError naming the argument or the option.
   */
  constructor(name: string, dialer: Dialer<C>, target?: TargetLike, options: ClientSocketOptions<C> = {}) {
    checkDialer(`${name}: dialer`, dialer);
    checkOptions(name, options as object, clientDialOptionNames as OptionNames<object>);
    this.#name = name;
    this.target = target === undefined ? undefined : parseTargetOf(name, target);
    this.dialer = composedFrom(dialer);
    contextOf(options, this.dialer, name);
    this.options = options;
  }

  /** Options of the next dial that depend on the dials before it. */
  nextOptions(): { readonly background: boolean; readonly owner: object } {
    const { background = this.#isReconnect(), owner = this.owner } = this.options;
    return { background, owner };
  }

  /** The target of the next dial, for which the client names `named`. */
  targetOf(named: TargetLike | undefined): Target {
    if (this.target !== undefined) return this.target;
    if (named !== undefined) return parseTargetOf(this.#name, named);
    throw this.error("target must be given, because the client names none");
  }

  /** Returns an error about a wrong use of the adapter. */
  error(rule: string): TypeError {
    return invalid(TypeError, `${this.#name}: ${rule}`);
  }

  /** Returns a socket that connects through the dialer now. */
  open(named: TargetLike | undefined, options: SocketOptions<C> = {}): Socket {
    return this.#lazy(this.targetOf(named), options);
  }

  /** Returns a socket that connects when the client calls `connect` on it. */
  openOnConnect(): Socket {
    return this.#lazy(this.target, { startOnConnect: true });
  }

  /** Counts a socket of the client. */
  add(socket: Socket, wasConnected: WasConnected = isConnected): void {
    const connects = () => void this.#sockets.set(socket, wasConnected);
    if (socket.connecting) connects();
    else socket.once("connect", connects);
    // Not a listener of `close`: clients call `removeAllListeners()`.
    onDestroy(socket, () => {
      this.#sockets.delete(socket);
      this.#connectedOnce ||= wasConnected(socket);
    });
  }

  #lazy(target: Target | undefined, options: SocketOptions<C>): Socket {
    const socket = lazySocket(this.dialer, target, { ...this.options, ...this.nextOptions(), ...options });
    this.add(socket);
    return socket;
  }

  #isReconnect(): boolean {
    if (!this.#connectedOnce) return false;
    for (const [socket, wasConnected] of this.#sockets) if (wasConnected(socket)) return false;
    return true;
  }
}

function isConnected(socket: Socket): boolean {
  return lazySocketMode(socket) !== "unconnected";
}
