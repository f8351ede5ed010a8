import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

export { freePort } from "../../examples/demo/free-port.ts";

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
