import { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** The parts of Node's sockets that moving a handle needs. They are internal: a test on each Node line checks them. */
interface SocketInternals {
  _handle: KernelHandle | null;
  readonly _readableState?: { readonly ended?: boolean };
  _getpeername(): object;
  _getsockname(): object;
}

/** A handle of `libuv`: a TCP connection or a pipe. */
interface KernelHandle {
  reading?: boolean;
  readStop(): number;
}

type Adopting = (this: Socket, handle: KernelHandle) => void;

/**
 * Node's function that gives a socket another handle, looked up by name because its symbol is internal. `undefined` if
 * this runtime has none. Bun and Deno have one that works differently.
 */
const setHandle: Adopting | undefined = nodeOnly(() => {
  const symbol = Object.getOwnPropertySymbols(Socket.prototype).find(
    (each) => each.description === "kReinitializeHandle",
  );
  const found: unknown = symbol && (Socket.prototype as unknown as Record<symbol, unknown>)[symbol];
  return typeof found === "function" ? (found as Adopting) : undefined;
});

function nodeOnly<T>(find: () => T): T | undefined {
  const { bun, deno } = process.versions;
  return bun === undefined && deno === undefined ? find() : undefined;
}

/** Methods that other code may have replaced on a socket to observe or change its data. */
const carrying = ["write", "_write", "_writev", "read", "_read", "push", "emit"] as const;

/** Events that a socket does not emit without its handle. A socket on which other code listens to one keeps its handle. */
const watching = ["data", "readable", "drain", "finish", "timeout"] as const;

/**
 * Moves the kernel's handle from the dialed socket `conn` to `socket`, which then reads and writes as if it had been
 * connected itself. Returns the bytes that `conn` had read, in order, or `undefined` if the handle cannot be moved:
 * `conn` is not a plain `net.Socket`, other code listens to it or has replaced its methods, it has data to send or has
 * received the end, or this runtime has no way to do it. Nothing has changed then.
 *
 * `conn` is left as a shell that stands for the connection: see {@link shell}.
 */
export function adopt(socket: Socket, conn: Duplex): readonly Buffer[] | undefined {
  if (setHandle === undefined || !isMovable(conn)) return undefined;
  const internals = conn as unknown as SocketInternals;
  const handle = internals._handle as KernelHandle;
  if (conn.timeout) conn.setTimeout(0);
  // First, because reading from the buffer would start the handle again.
  internals._handle = null;
  const received: Buffer[] = [];
  // With a length: a read without one would emit `end`.
  while (conn.readableLength > 0) received.push(conn.read(conn.readableLength) as Buffer);
  if (handle.reading && socket.isPaused()) {
    handle.reading = false;
    handle.readStop();
  }
  setHandle.call(socket, handle);
  Object.assign(conn, { [socketKey]: socket });
  Object.setPrototypeOf(conn, shell);
  return received;
}

function isMovable(conn: Duplex): conn is Socket {
  // Not a subclass: a TLSSocket decrypts, and a handle taken from beneath it would pass data without a verified peer.
  if (Object.getPrototypeOf(conn) !== Socket.prototype) return false;
  const { _handle, _readableState } = conn as unknown as SocketInternals;
  return (
    _handle !== null &&
    typeof _handle === "object" &&
    typeof _handle.readStop === "function" &&
    !conn.destroyed &&
    _readableState?.ended === false &&
    !conn.writableEnded &&
    conn.writableLength === 0 &&
    conn.readableEncoding === null &&
    conn.readableFlowing !== true &&
    watching.every((event) => conn.listenerCount(event) === 0) &&
    // One listener is Node's own.
    conn.listenerCount("end") <= 1 &&
    carrying.every((name) => !Object.hasOwn(conn, name))
  );
}

const socketKey: unique symbol = Symbol("dialtrace.lazySocket");

interface Shell {
  readonly [socketKey]: Socket;
}

const forwardedCalls = ["write", "end", "ref", "unref", "setNoDelay", "setKeepAlive", "resetAndDestroy"] as const;

/**
 * Prototype of a dialed socket whose handle has moved. The hooks of the dial were given that socket, and observers read
 * its counters and see its close: it shows those of the socket that has the handle now.
 */
const shell: object = Object.create(Socket.prototype, {
  bytesRead: getter((socket) => socket.bytesRead),
  bytesWritten: getter((socket) => socket.bytesWritten),
  readableEnded: getter((socket) => socket.readableEnded),
  pending: getter(() => false),
  _getpeername: method((socket) => (socket as unknown as SocketInternals)._getpeername()),
  _getsockname: method((socket) => (socket as unknown as SocketInternals)._getsockname()),
  ...Object.fromEntries(
    forwardedCalls.map((name) => [
      name,
      method((socket, args) => (socket[name] as (...args: unknown[]) => unknown).apply(socket, args)),
    ]),
  ),
});

function getter(read: (socket: Socket) => unknown): PropertyDescriptor & ThisType<Shell> {
  return {
    configurable: true,
    get() {
      return read(this[socketKey]);
    },
  };
}

function method(call: (socket: Socket, args: unknown[]) => unknown): PropertyDescriptor {
  return {
    configurable: true,
    writable: true,
    value(this: Shell, ...args: unknown[]) {
      return call(this[socketKey], args);
    },
  };
}
