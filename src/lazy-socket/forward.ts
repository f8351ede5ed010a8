import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { restartTimeout } from "./restart-timeout.ts";

type Callback = (error?: Error | null) => void;
type Encoded = { readonly chunk: unknown; readonly encoding: BufferEncoding };

/** The methods of a stream that `forward` replaces, and the private parts of a socket that it needs. */
interface Forwarding {
  _read(size: number): void;
  _write(chunk: unknown, encoding: BufferEncoding, callback: Callback): void;
  _writev(chunks: readonly Encoded[], callback: Callback): void;
  _final(callback: Callback): void;
  readonly writableBuffer?: readonly Encoded[];
}

/**
 * Makes `socket` read from and write to `conn`, which may be any duplex stream, and show its addresses, its counters and,
 * if it has them, its TLS members. Bytes flow when the socket is read, and no faster.
 */
export function forward(socket: Socket, conn: Duplex): void {
  const counts = { read: 0, written: 0 };
  // The socket decides when to end its side: `conn` would end it while the socket still has data to send.
  conn.allowHalfOpen = true;
  readInto(socket, conn, counts);
  writeThrough(socket, conn, counts);
  showConnection(socket, conn, counts);
  if ((conn as Partial<TLSSocket>).encrypted === true) showTls(socket, conn);
}

function readInto(socket: Socket, conn: Duplex, counts: { read: number }): void {
  const internals = socket as unknown as Forwarding;
  internals._read = () => void conn.resume();
  // Before a listener is added: a listener would make the data flow.
  conn.pause();
  conn.on("data", (chunk: Buffer) => {
    counts.read += chunk.length;
    restartTimeout(socket);
    if (!socket.push(chunk, conn.readableEncoding ?? undefined)) conn.pause();
  });
  if (conn.readableEnded) socket.push(null);
  else conn.on("end", () => socket.push(null));
}

function writeThrough(socket: Socket, conn: Duplex, counts: { written: number }): void {
  const internals = socket as unknown as Forwarding;
  const restarting = (callback: Callback) => (error?: Error | null) => {
    restartTimeout(socket);
    callback(error);
  };
  const send = ({ chunk, encoding }: Encoded, callback?: Callback) => {
    counts.written += typeof chunk === "string" ? Buffer.byteLength(chunk, encoding) : (chunk as Buffer).length;
    // Buffers come with the encoding "buffer", which streams of other libraries may not know.
    if (typeof chunk === "string") conn.write(chunk, encoding, callback);
    else conn.write(chunk, callback);
  };
  internals._write = (chunk, encoding, callback) => {
    restartTimeout(socket);
    send({ chunk, encoding }, restarting(callback));
  };
  internals._writev = (chunks, callback) => {
    restartTimeout(socket);
    conn.cork();
    for (const [index, each] of chunks.entries())
      send(each, index === chunks.length - 1 ? restarting(callback) : undefined);
    conn.uncork();
  };
  internals._final = (callback) => {
    if (conn.writableEnded) callback();
    else conn.end(callback);
  };
}

/** Members of a socket that describe its connection. */
const described = [
  "remoteAddress",
  "remotePort",
  "remoteFamily",
  "localAddress",
  "localPort",
  "localFamily",
] as const satisfies readonly (keyof Socket)[];

function showConnection(socket: Socket, conn: Duplex, counts: { read: number; written: number }): void {
  const of = conn as Partial<Socket>;
  for (const name of described) show(socket, name, () => of[name]);
  show(socket, "address", () => () => of.address?.() ?? {});
  show(socket, "pending", () => socket.destroyed);
  show(socket, "bytesRead", () => of.bytesRead ?? counts.read);
  show(socket, "bytesWritten", () => (of.bytesWritten ?? counts.written) + bytesQueued(socket));
}

function bytesQueued(socket: Socket): number {
  const { writableBuffer = [] } = socket as unknown as Forwarding;
  return writableBuffer.reduce((sum, { chunk, encoding }) => {
    return sum + (typeof chunk === "string" ? Buffer.byteLength(chunk, encoding) : (chunk as Buffer).length);
  }, 0);
}

/** Adds the members that a `TLSSocket` has and a `Socket` lacks to `socket`, and forwards session tickets. */
function showTls(socket: Socket, conn: Duplex): void {
  const values = conn as unknown as Record<string, unknown>;
  const names = new Set(["encrypted", "authorized", "authorizationError", "alpnProtocol", "servername"]);
  for (let from: object | null = conn; from !== null && from !== Socket.prototype; from = Object.getPrototypeOf(from)) {
    for (const name of Object.getOwnPropertyNames(from)) {
      if (!name.startsWith("_") && typeof values[name] === "function" && !(name in socket)) names.add(name);
    }
  }
  for (const name of names) {
    const value = values[name];
    if (typeof value === "function") show(socket, name, () => value.bind(conn));
    else show(socket, name, () => values[name]);
  }
  conn.on("session", (ticket: Buffer) => socket.emit("session", ticket));
}

function show(socket: Socket, name: string, get: () => unknown): void {
  Object.defineProperty(socket, name, { get, configurable: true, enumerable: false });
}
