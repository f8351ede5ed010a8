import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { systemClock } from "../async/clock.ts";
import type { Middleware } from "../core/dialer.ts";
import type { Target } from "../core/target.ts";
import { type DialContext, dialerOf } from "../engine/context.ts";
import { checkDialAttributes, type DialAttributes } from "../engine/dial-attributes.ts";
import { DialState } from "../engine/dial-state.ts";
import { baseLayer, infoOf } from "../engine/layer-info.ts";
import { observedDialKey } from "../support/observed-dial.ts";
import { guarded } from "../support/user-call.ts";
import { type ConnectOptions, connectOptionsOf, type Destination, Destinations } from "./connect-target.ts";
import { exporterTargets, isSuppressed } from "./exporters.ts";
import { type NamedRun, ObservedNames } from "./observed-names.ts";
import { SocketDial } from "./socket-dial.ts";
import { followUpgrade, isTlsSocket } from "./tls-phase.ts";
import type { SocketWatcher } from "./wraps.ts";

/** Checked options of `observeProcess`. */
export interface WatcherSettings {
  readonly observers: readonly Middleware[];
  readonly name: ((target: Target) => unknown) | undefined;
  readonly knownNames: readonly unknown[];
  readonly ignore: ((target: Target) => unknown) | undefined;
  readonly attributes: DialAttributes | ((target: Target) => DialAttributes | undefined) | undefined;
}

/** A call of `connect()`, and the dial that reports it. */
interface Connecting {
  readonly socket: Socket;
  readonly options: ConnectOptions;
  readonly destination: Destination;
  dial: SocketDial | undefined;
}

/** A context with the socket. Observers copy contexts, so that the socket reaches the base. */
interface SocketContext extends DialContext<Socket> {
  readonly connecting: Connecting;
}

/** The base "dialer" beneath the observers: a socket that its client connects. */
const socketDialer = dialerOf<Socket>(
  function socketDialer(_target, context) {
    const { connecting } = context as SocketContext;
    const { socket, options, destination } = connecting;
    return new Promise((resolve, reject) => {
      connecting.dial = new SocketDial(socket, options, destination, context, resolve, reject);
    });
  },
  baseLayer({ factory: "observeProcess", emits: ["dnsDone", "connectDone", "tlsHandshakeDone"] }),
  // It reports its attempt itself, so that compose adds none.
  true,
);

/** Runs the observers for each socket that a client connects. */
export class ProcessWatcher implements SocketWatcher {
  /** Property of sockets: not a `WeakMap`, whose entries cost more garbage collection than a dial. */
  readonly #dialKey = Symbol("dialtrace.processDial");
  readonly #settings: WatcherSettings;
  readonly #destinations = new Destinations();
  readonly #names: ObservedNames;
  readonly #unnamed: NamedRun | undefined = undefined;
  readonly #isExporter = exporterTargets(process.env);

  constructor(settings: WatcherSettings) {
    this.#settings = settings;
    this.#names = new ObservedNames(settings.observers, socketDialer);
    for (const name of settings.knownNames) this.#names.of(name);
    // With the option `name`, no connection has the observers' own names, so that these need no series.
    if (settings.name !== undefined) return;
    this.#unnamed = this.#names.unnamed();
    if (typeof settings.attributes === "object") checkAttributes(settings.attributes, this.#unnamed);
  }

  connecting(socket: Socket, args: readonly unknown[]): SocketDial | undefined {
    const options = connectOptionsOf(args);
    if (options[observedDialKey] === true || isSuppressed()) return undefined;
    if (this.#isUpgrade(socket, options)) return undefined;
    // Node ignores a connect of TLS over a socket that is connecting.
    if ((socket as { _parent?: Partial<Socket> | null })._parent?.connecting) return undefined;
    const destination = this.#destinations.of(options);
    const { target } = destination;
    const { ignore } = this.#settings;
    if (this.#isExporter(target)) return undefined;
    if (ignore !== undefined && guarded("observeProcess: ignore()", () => ignore(target)) === true) return undefined;

    const connecting: Connecting = { socket, options, destination, dial: undefined };
    const named = this.#runFor(target);
    named.run(target, contextFor(connecting, this.#attributesFor(target, named))).catch(ignoreError);
    const { dial } = connecting;
    (socket as unknown as Record<symbol, unknown>)[this.#dialKey] = dial;
    return dial;
  }

  securing(socket: TLSSocket): void {
    const { _parent } = socket as { readonly _parent?: object | null };
    if (_parent) this.#upgrade(socket, _parent);
  }

  /** Bun calls `connect()` for TLS on an open connection too. */
  #isUpgrade(socket: Socket, { socket: open }: ConnectOptions): boolean {
    if (typeof open !== "object" || open === null || !isTlsSocket(socket)) return false;
    this.#upgrade(socket, open);
    return true;
  }

  #upgrade(socket: TLSSocket, open: object): void {
    const dial = (open as Record<symbol, SocketDial | undefined>)[this.#dialKey];
    if (dial === undefined) return;
    (socket as unknown as Record<symbol, unknown>)[this.#dialKey] = dial;
    followUpgrade(socket, dial);
  }

  #runFor(target: Target): NamedRun {
    const { name } = this.#settings;
    if (name === undefined) return this.#unnamed as NamedRun;
    return this.#names.of(guarded("observeProcess: name()", () => name(target)));
  }

  #attributesFor(target: Target, named: NamedRun): DialAttributes | undefined {
    const { attributes } = this.#settings;
    if (attributes === undefined) return undefined;
    return guarded("observeProcess: attributes", () => {
      const given = typeof attributes === "function" ? attributes(target) : attributes;
      if (given !== undefined) checkAttributes(given, named);
      return given;
    });
  }
}

function checkAttributes(attributes: DialAttributes, { dialer }: NamedRun): void {
  checkDialAttributes("observeProcess", attributes, undefined, infoOf(dialer).attributes);
}

function contextFor(connecting: Connecting, attributes: DialAttributes | undefined): SocketContext {
  return {
    connecting,
    cancel: undefined,
    trace: undefined,
    handshake: undefined,
    background: false,
    owner: undefined,
    attributes,
    clock: systemClock,
    state: new DialState(),
    insideRetry: false,
    deadline: undefined,
    call: undefined,
    runInContext: undefined,
  };
}

/** The client gets the error from its socket. */
function ignoreError(): void {}
