/** The sockets that the tests of lazy sockets compare: one of Node's, and a lazy one for each way to carry bytes. */
import { once } from "node:events";
import { connect, type LookupFunction, type NetConnectOpts, Socket } from "node:net";
import { PassThrough } from "node:stream";
import { compose, type Dialer, type LazySocketMode, type LazySocketOptions, lazySocket, tcp } from "../../src/index.ts";
import { peer } from "../support/peers.ts";

/** A socket of another class than `net.Socket`, whose handle is therefore not adopted. */
export class OtherSocket extends Socket {}

/** A base dialer of sockets that are forwarded. */
export const otherDialer: Dialer<Socket> = async (target, { signal } = {}) => {
  const { hostname, port } = new URL(`tcp://${target}`);
  const socket = new OtherSocket();
  const abort = () => socket.destroy(signal?.reason);
  signal?.addEventListener("abort", abort);
  try {
    await once(socket.connect({ port: Number(port), host: hostname }), "connect");
  } finally {
    signal?.removeEventListener("abort", abort);
  }
  return socket;
};

/** How a socket is opened. */
export interface Kind {
  readonly name: string;
  /** The mode of the socket when it is connected; `undefined` for one of Node's. */
  readonly mode: LazySocketMode | undefined;
  open(port: number, options?: Pick<NetConnectOpts & LazySocketOptions, "allowHalfOpen" | "timeout">): Socket;
}

/** The socket that the others have to equal. */
export const reference: Kind = {
  name: "net.connect",
  mode: undefined,
  open: (port, options) => connect({ ...options, port, host: "127.0.0.1" }),
};

const lazily =
  (dialer: Dialer<Socket>): Kind["open"] =>
  (port, { timeout, ...options } = {}) =>
    lazySocket(dialer, `127.0.0.1:${port}`, { ...options, timeoutMs: timeout });

/** The lazy sockets. */
export const lazyKinds: readonly Kind[] = [
  { name: "an adopted socket", mode: "adopted", open: lazily(compose(tcp({ noDelay: false, keepAlive: false }))) },
  { name: "a forwarded socket", mode: "forwarded", open: lazily(compose(otherDialer)) },
];

/** Returns the names of the events that sockets of `net.connect` emit by themselves in use. */
export async function emittedBySockets(): Promise<Set<string>> {
  await using server = await peer((socket) => void socket.pipe(socket));
  const names = new Set<string>();
  const socket = new Socket();
  const emit = socket.emit.bind(socket);
  socket.emit = (name: string, ...args: unknown[]) => {
    names.add(name);
    return emit(name, ...args);
  };
  socket.on("newListener", () => {}).on("removeListener", () => {});
  socket.setTimeout(1);
  socket.connect({ host: "localhost", port: server.port, lookup: loopback });
  await once(socket, "timeout");
  const source = new PassThrough();
  source.pipe(socket);
  source.unpipe(socket);
  socket.write(Buffer.alloc(2 ** 22));
  await once(socket, "drain");
  await once(socket, "data");
  socket.pause();
  socket.resume();
  socket.on("readable", () => socket.read());
  socket.end();
  await once(socket, "close");
  return names;
}

const loopback: LookupFunction = (_host, { all }, done) =>
  all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4);
