import { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { guarded } from "../support/user-call.ts";

/** What the wraps report. Its methods must be quick; an error that they throw emits one process warning. */
export interface SocketWatcher {
  /** Called before a socket connects, with the arguments of `connect()`. Returns `undefined` if it is not watched. */
  connecting(socket: Socket, args: readonly unknown[]): WatchedConnect | undefined;
  /** Called before a client starts TLS on a socket that has a connection. */
  securing(socket: TLSSocket): void;
}

/** A watched call of `connect()`. Exactly one of its methods is called, when the call ends. */
export interface WatchedConnect {
  started(): void;
  /** Called with the error that `connect()` throws. */
  fail(error: unknown): void;
}

type Connect = (this: Socket, ...args: unknown[]) => Socket;
type Start = (this: TLSSocket, ...args: unknown[]) => unknown;

interface SocketMethods {
  connect: Connect;
}

interface TlsMethods {
  /** Starts the handshake. Absent in some runtimes. */
  _start?: Start;
}

/**
 * Wraps the two methods that every client of the process calls: `Socket.prototype.connect`, and the one that starts a
 * TLS handshake. Node's channel `net.client.socket` is not enough: its message has only the socket, which does not hold
 * its port before an address is tried, and never the path of a unix socket.
 *
 * @returns a function that undoes the wraps, except one that other code has wrapped since: that one calls through.
 */
export function wrapSockets(watcher: SocketWatcher): () => void {
  const undo = [wrapConnect(watcher), wrapStart(watcher)];
  return () => {
    for (const each of undo) each();
  };
}

function wrapConnect(watcher: SocketWatcher): () => void {
  const methods = Socket.prototype as unknown as SocketMethods;
  const original = methods.connect;
  let wrapping = true;
  const wrapper: Connect = function connect(...args) {
    if (!wrapping) return original.apply(this, args);
    const watched = guarded("observeProcess", () => watcher.connecting(this, args));
    try {
      original.apply(this, args);
    } catch (error) {
      watched?.fail(error);
      throw error;
    }
    watched?.started();
    return this;
  };
  methods.connect = wrapper;
  return () => {
    wrapping = false;
    if (methods.connect === wrapper) methods.connect = original;
  };
}

function wrapStart(watcher: SocketWatcher): () => void {
  const methods = TLSSocket.prototype as unknown as TlsMethods;
  const original = methods._start;
  if (original === undefined) return () => {};
  let wrapping = true;
  const wrapped: Start = function _start(...args) {
    // While the socket connects, Node calls the method again later.
    if (wrapping && !this.connecting) guarded("observeProcess", () => watcher.securing(this));
    return original.apply(this, args);
  };
  methods._start = wrapped;
  return () => {
    wrapping = false;
    if (methods._start === wrapped) methods._start = original;
  };
}
