import { Socket, type SocketConstructorOpts } from "node:net";
import type { Duplex } from "node:stream";
import type { Dialer } from "../core/dialer.ts";
import { DialError } from "../core/errors.ts";
import { parseTargetOf, type Target } from "../core/target.ts";
import type { DnsDoneInfo } from "../core/trace.ts";
import { type DialContext, type Run, runOf } from "../engine/context.ts";
import { describeInstances, Layer, layerOf } from "../engine/layer-info.ts";
import { isError } from "../support/is-error.ts";
import { onDestroy } from "../support/on-destroy.ts";
import { inheritSecrets } from "../support/sent-secrets.ts";
import { notify } from "../support/user-call.ts";
import { invalid } from "../support/validate.ts";
import { adopt } from "./adopt.ts";
import { abortError, closedBeforeConnect, closingHandle } from "./closing.ts";
import { readConnectArguments } from "./connect-arguments.ts";
import { forward } from "./forward.ts";
import type { LazySocketSettings } from "./options.ts";
import { restartTimeout } from "./restart-timeout.ts";
import { SocketDial } from "./socket-dial.ts";

/** How a lazy socket carries its bytes. See {@link lazySocketMode}. */
export type LazySocketMode = "unconnected" | "adopted" | "forwarded";

type Callback = (error?: Error | null) => void;

interface HeldWrite {
  readonly send: () => void;
  readonly callback: Callback;
}

type Chunks = { chunk: unknown; encoding: BufferEncoding }[];

/** Node's own methods of a socket. */
const kernel = Socket.prototype as unknown as {
  _read(): void;
  _write(): void;
  _writev(): void;
  _final(callback: Callback): void;
};

/**
 * Options that Node's constructor sets on its copy of the options, whatever their values. Given here because adding
 * fields to a copy costs 5 µs on Node 20, ten times the rest of the constructor.
 */
const setByNode = { emitClose: false, autoDestroy: true, decodeStrings: false };

interface Internals {
  _handle: unknown;
}

/**
 * A socket that has no connection yet. Reads, writes and the end wait for it: until then the methods that the stream calls
 * are those of this class. When the dial is done they are replaced, by Node's own if the socket has adopted the
 * connection's handle, or else by ones that forward. So no state is checked for each chunk of data.
 */
export class DeferredSocket<C extends Duplex> extends Socket {
  #mode: LazySocketMode = "unconnected";
  readonly #dialer: Dialer<C>;
  readonly #run: Run<C>;
  readonly #context: DialContext<C>;
  readonly #settings: LazySocketSettings<C>;
  /** The target of every dial; without one, `connect()` names it. */
  readonly #target: Target | undefined;
  #dial: SocketDial<C> | undefined;
  /** The dialed connection, or its shell when its handle was adopted. */
  #conn: C | undefined;
  /** The write that waits for the connection; a stream has one at a time. */
  #heldWrite: HeldWrite | undefined;
  #heldFinal: Callback | undefined;
  #readHeld = false;
  #resetHeld = false;
  /** Settings made before the connection exists. */
  readonly #early = new Map<string, (conn: Partial<Socket>) => void>();
  /** The settings made after the handle was adopted. */
  readonly #known = new Set<string>();

  constructor(dialer: Dialer<C>, target: Target | undefined, context: DialContext<C>, settings: LazySocketSettings<C>) {
    super({ allowHalfOpen: settings.allowHalfOpen, ...setByNode } as SocketConstructorOpts);
    this.#dialer = dialer;
    this.#run = runOf(dialer);
    this.#context = context;
    this.#settings = settings;
    this.#target = target;
    if (!settings.startOnConnect && target !== undefined) this.#start(target);
  }

  /** Returns the mode of a lazy socket, and `undefined` for anything else. */
  static modeOf(value: unknown): LazySocketMode | undefined {
    return typeof value === "object" && value !== null && #mode in value ? value.#mode : undefined;
  }

  static {
    describeInstances(DeferredSocket.prototype, (socket) => {
      const options = () => ({ mode: socket.#mode, target: socket.#target && String(socket.#target) });
      return new Layer({ factory: "lazySocket", options }, "middleware", [layerOf(socket.#dialer)]);
    });
  }

  /** Starts the dial if it is to start here. A lazy socket connects once. */
  override connect(...args: unknown[]): this {
    if (this.destroyed || this.#conn !== undefined) {
      throw invalid(
        TypeError,
        "lazySocket: connect() can be called only once; create another lazy socket to connect again",
      );
    }
    const { target, listener } = readConnectArguments(args);
    const named = this.#target ?? (target === undefined ? undefined : parseTargetOf("lazySocket: connect()", target));
    if (named === undefined) throw invalid(TypeError, "lazySocket: connect() needs a port or a path");
    if (listener !== undefined) this.once("connect", listener);
    if (this.#dial === undefined) this.#start(named);
    return this;
  }

  override _read(): void {
    this.#readHeld = true;
  }

  override _write(chunk: unknown, encoding: BufferEncoding, callback: Callback): void {
    this.#holdWrite(chunk, encoding, { send: () => this._write(chunk, encoding, callback), callback });
  }

  override _writev(chunks: Chunks, callback: Callback): void {
    this.#holdWrite(chunks, "", { send: () => this._writev(chunks, callback), callback });
  }

  override _final(callback: Callback): void {
    const conn = this.#conn;
    if (conn === undefined) this.#heldFinal = callback;
    else if (!Object.hasOwn(conn, "_final")) kernel._final.call(this, callback);
    // The engine's `_final` records which side has ended first.
    else conn._final(() => kernel._final.call(this, callback));
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#dial?.cancel();
    this.#dial = undefined;
    const conn = this.#conn;
    // Before the handle is closed: observers read the counters when the connection closes.
    if (conn !== undefined) notify("a connection's destroy()", () => void conn.destroy(error ?? undefined));
    const internals = this as unknown as Internals;
    if (internals._handle === null) internals._handle = closingHandle();
    super._destroy(error, callback);
    const held = this.#heldWrite;
    this.#heldWrite = undefined;
    // After the error of the dial, as `net.Socket` does: a client reports the first error that it receives.
    if (held !== undefined) this.once("close", () => held.callback(closedBeforeConnect()));
  }

  override resetAndDestroy(): this {
    const conn = this.#conn as Partial<Socket> | undefined;
    if (this.#dial !== undefined) this.#resetHeld = true;
    else if (this.#mode !== "forwarded") super.resetAndDestroy();
    else if (conn?.resetAndDestroy === undefined) this.destroy();
    else conn.resetAndDestroy();
    return this;
  }

  override setNoDelay(enable = true): this {
    if (this.#mode !== "adopted") return this.#set("noDelay", (conn) => conn.setNoDelay?.(enable));
    // A socket skips a setting that it believes to be set already. This handle was configured by another socket.
    if (this.#isFirst("noDelay")) super.setNoDelay(!enable);
    return super.setNoDelay(enable);
  }

  override setKeepAlive(...args: [enable?: boolean, initialDelay?: number]): this {
    if (this.#mode !== "adopted") return this.#set("keepAlive", (conn) => conn.setKeepAlive?.(...args));
    if (this.#isFirst("keepAlive")) super.setKeepAlive(!args[0]);
    return super.setKeepAlive(...args);
  }

  override ref(): this {
    return this.#mode === "adopted" ? super.ref() : this.#set("ref", (conn) => conn.ref?.());
  }

  override unref(): this {
    return this.#mode === "adopted" ? super.unref() : this.#set("ref", (conn) => conn.unref?.());
  }

  /** Keeps the state of the stream when the handle is set: a socket that connects again would reset it. */
  _undestroy(): void {}

  #start(target: Target): void {
    const { timeoutMs } = this.#settings;
    if (timeoutMs !== undefined) this.setTimeout(timeoutMs);
    restartTimeout(this);
    this.#setConnecting(true);
    this.#dial = new SocketDial(this.#run, target, this.#context, {
      resolved: (info) => this.#resolved(info),
      connected: (conn) => this.#connected(conn, target),
      failed: (error) => this.#failed(error),
    });
  }

  #resolved({ outcome, addresses, error, host }: DnsDoneInfo): void {
    restartTimeout(this);
    if (outcome === "failure") this.emit("lookup", error, undefined, undefined, host);
    for (const { address, family } of addresses) {
      if (!this.destroyed) this.emit("lookup", null, address, family === "ipv6" ? 6 : 4, host);
    }
  }

  #failed(error: unknown): void {
    this.#dial = undefined;
    this.destroy(isError(error) ? error : abortError(error));
  }

  #connected(conn: C, target: Target): void {
    this.#dial = undefined;
    this.#conn = conn;
    if (conn.destroyed) {
      const message = `dial ${target}: the connection closed before it was ready`;
      this.destroy(conn.errored ?? new DialError(message, { reason: "handshake_closed", target }));
      return;
    }
    for (const [name, apply] of this.#early) {
      notify(`a connection's ${name} setting`, () => apply(conn as Duplex as Partial<Socket>));
    }
    inheritSecrets(this, conn);
    conn.on("error", (error) => this.destroy(error));
    onDestroy(conn, (error) => this.#connDestroyed(conn, error));
    const received = this.#attach(conn);
    this.#setConnecting(false);
    restartTimeout(this);
    this.#sendHeld();
    this.emit("connect");
    this.emit("ready");
    const { event } = this.#settings;
    if (event !== undefined && !this.destroyed) this.emit(event);
    if (this.#resetHeld) this.#resetIfPossible();
    else this.#startReading(received);
  }

  /** Closes a TLS or unix socket, which cannot be reset: its kind was unknown when the reset was requested. */
  #resetIfPossible(): void {
    try {
      this.resetAndDestroy();
    } catch {
      this.destroy();
    }
  }

  /** Connects the socket to its connection. Returns the bytes that were already received. */
  #attach(conn: C): readonly Buffer[] {
    const received = adopt(this, conn);
    this.#mode = received === undefined ? "forwarded" : "adopted";
    if (received === undefined) forward(this, conn);
    else Object.assign(this, { _read: kernel._read, _write: kernel._write, _writev: kernel._writev });
    return received ?? [];
  }

  #connDestroyed(conn: C, error: Error | null): void {
    if (this.destroyed) return;
    // The connection is complete, but the socket may hold unread data. The socket then ends by itself.
    const isDone = this.#mode === "forwarded" && conn.readableEnded && conn.writableFinished;
    if (error !== null || !isDone) this.destroy(error ?? undefined);
  }

  #holdWrite(data: unknown, encoding: string, held: HeldWrite): void {
    this.#heldWrite = held;
    // `bytesWritten` counts the pending data.
    Object.assign(this, { _pendingData: data, _pendingEncoding: encoding });
  }

  #sendHeld(): void {
    const [write, final] = [this.#heldWrite, this.#heldFinal];
    this.#heldWrite = undefined;
    this.#heldFinal = undefined;
    Object.assign(this, { _pendingData: null, _pendingEncoding: "" });
    write?.send();
    if (final !== undefined) this._final(final);
  }

  #startReading(received: readonly Buffer[]): void {
    for (const chunk of received) if (!this.destroyed) this.push(chunk);
    if (this.#readHeld) this._read();
    // As `net.Socket` does, to see the end of the connection.
    if (this.readable && !this.isPaused()) this.read(0);
  }

  /** The property is read-only in Node's types: sockets set it themselves. */
  #setConnecting(connecting: boolean): void {
    Object.assign(this, { connecting });
  }

  #set(name: string, apply: (conn: Partial<Socket>) => void): this {
    const conn = this.#conn as Partial<Socket> | undefined;
    if (conn === undefined) this.#early.set(name, apply);
    else apply(conn);
    return this;
  }

  #isFirst(name: string): boolean {
    const isFirst = !this.#known.has(name);
    this.#known.add(name);
    return isFirst;
  }
}
