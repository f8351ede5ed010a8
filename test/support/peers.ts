import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

/** A server of the test's own on loopback that knows how many connections it has open. */
export interface Peer {
  readonly port: number;
  /** `127.0.0.1:port` */
  readonly address: string;
  /** Connections accepted so far. */
  readonly accepted: number;
  /** Connections open now, as the server sees them. */
  readonly open: ReadonlySet<Socket>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Listens on loopback and gives each connection to `serve`. */
export async function peer(serve: (socket: Socket) => void = () => {}): Promise<Peer> {
  const open = new Set<Socket>();
  let accepted = 0;
  const server: Server = createServer((socket) => {
    accepted += 1;
    open.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => open.delete(socket));
    serve(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    for (const socket of open) socket.destroy();
    if (server.listening) {
      server.close();
      await once(server, "close");
    }
  };
  return {
    port,
    address: `127.0.0.1:${port}`,
    get accepted() {
      return accepted;
    },
    open,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Accepts and stays silent: neither reads nor writes. */
export const silentPeer = (): Promise<Peer> => peer((socket) => socket.pause());

/** Reads and throws away. */
export const goodPeer = (): Promise<Peer> => peer((socket) => socket.resume());

/** Answers with a reset as soon as something is connected. */
export const resettingPeer = (): Promise<Peer> => peer((socket) => socket.resetAndDestroy());

const ports = { first: 10_240, count: 22_000 };
// Tests that run at once have process ids near each other, so none takes the port of another's server that is down.
let nextPort = (process.pid * 200) % ports.count;

/**
 * A port that nothing listens on, so that connecting is refused; another one each time. It lies below
 * the range that systems take the ports of outgoing connections from: else one of those could hold it
 * while its server is down, or even connect to itself.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = ports.first + nextPort;
    nextPort = (nextPort + 1) % ports.count;
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
