import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

/** A server on loopback that counts its connections. */
export interface Peer {
  readonly port: number;
  /** `127.0.0.1:port` */
  readonly address: string;
  /** Number of connections accepted so far. */
  readonly accepted: number;
  /** The open connections, as seen by the server. */
  readonly open: ReadonlySet<Socket>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Listens on loopback and passes each connection to `serve`. */
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

/** Accepts connections but neither reads nor writes. */
export const silentPeer = (): Promise<Peer> => peer((socket) => socket.pause());

/** Reads and discards. */
export const goodPeer = (): Promise<Peer> => peer((socket) => socket.resume());

/** Resets every connection immediately. */
export const resettingPeer = (): Promise<Peer> => peer((socket) => socket.resetAndDestroy());

/** Reads `length` characters, or what comes with them. */
export async function readText(conn: Socket, length: number): Promise<string> {
  let text = "";
  while (text.length < length) text += String((await once(conn, "data"))[0]);
  return text;
}

/** Ports below the range of ephemeral ports, in blocks. The first port of a block is its claim. */
const ports = { first: 10_240, blocks: 110, perBlock: 200 };
let block: Promise<number> | undefined;
let used = 0;

/**
 * A port without a listener, so that a connect is refused; a different one each time. It lies below
 * the range of ephemeral ports: otherwise an outgoing connection could use it
 * while its server is stopped, or even connect to itself. Tests of other processes do not get it either.
 */
export async function freePort(): Promise<number> {
  block ??= claimBlock();
  const first = await block;
  for (;;) {
    const port = first + 1 + (used++ % (ports.perBlock - 1));
    if (await isFree(port)) return port;
  }
}

/** Claims a block until the process exits, by a listener on its first port. Returns this port. */
async function claimBlock(): Promise<number> {
  for (let index = process.pid; ; index += 1) {
    const port = ports.first + (index % ports.blocks) * ports.perBlock;
    const claim = createServer((socket) => socket.destroy());
    const claimed = await new Promise<boolean>((resolve) => {
      claim.once("error", () => resolve(false));
      claim.listen({ port, host: "127.0.0.1", exclusive: true }, () => resolve(true));
    });
    if (claimed) {
      claim.unref();
      return port;
    }
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
