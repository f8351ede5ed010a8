import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Issued } from "../support/certificates.ts";
import type { ClientServer } from "./contract.ts";

/** A server that speaks just enough of a protocol for a client. */
export interface FakeServer extends ClientServer {
  /** Number of connections accepted so far. */
  readonly accepted: number;
}

/** How a fake server is started. */
export interface FakeServerOptions {
  readonly port?: number | undefined;
  readonly tls?: Issued | undefined;
}

/** Listens on loopback and passes each connection to `serve`. */
export async function fakeServer(
  { port = 0 }: FakeServerOptions,
  serve: (socket: Socket) => void,
): Promise<FakeServer> {
  const open = new Set<Socket>();
  let accepted = 0;
  const server = createServer((socket) => {
    accepted += 1;
    open.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => open.delete(socket));
    serve(socket);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const stop = async () => {
    for (const socket of open) socket.destroy();
    if (!server.listening) return;
    server.close();
    await once(server, "close");
  };
  return {
    port: (server.address() as AddressInfo).port,
    get accepted() {
      return accepted;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Returns the server's side of TLS over a connection. */
export function secured(socket: Socket, { cert, key }: Issued): TLSSocket {
  const stream = new TLSSocket(socket, { isServer: true, cert, key });
  // It would keep the connection after an alert of the client, which Node reports so during the handshake.
  const end = () => socket.destroy();
  return stream.on("error", end).on("_tlsError", end).on("close", end);
}
