import { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { guarded } from "../support/user-call.ts";

/** What the wraps report. Its methods must be quick; an error that they throw emits one process warning. */
export interface SocketWatcher {
  /**
   * Called before a socket connects, with the arguments of `connect()`. Returns a function to call with an error that
   * `connect()` throws, or `undefined` if the socket is not watched.
   */
  connecting(socket: Socket, args: readonly unknown[]): ((error: unknown) => void) | undefined;
  /** Called before a client starts TLS on a socket that has a connection. */
  securing(socket: TLSSocket): void;
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
  const wrapped: Connect = function connect(...args) {
    if (!wrapping) return original.apply(this, args);
    const failed = guarded("observeProcess", () => watcher.connecting(this, args));
    try {
      return original.apply(this, args);
    } catch (error) {
      failed?.(error);
      throw error;
    }
  };
  methods.connect = wrapped;
  return () => {
    wrapping = false;
    if (methods.connect === wrapped) methods.connect = original;
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
