import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { createServer, type TLSSocket, type TlsOptions } from "node:tls";
import type { TcpOptions } from "../../src/index.ts";

/** A TLS server on loopback. */
export interface TlsPeer {
  readonly port: number;
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** The open TCP connections, as seen by the server. */
  readonly open: ReadonlySet<Socket>;
  /** Connections with a completed handshake, oldest first. */
  readonly secured: readonly TLSSocket[];
  /** Presents another certificate from now on. */
  renew(certificate: Pick<TlsOptions, "cert" | "key">): void;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Listens with TLS on loopback and passes each connection to `serve`. */
export async function tlsPeer(options: TlsOptions, serve: (socket: TLSSocket) => void = () => {}): Promise<TlsPeer> {
  const secured: TLSSocket[] = [];
  const server = createServer(options, (socket) => {
    secured.push(socket);
    socket.on("error", () => {});
    serve(socket);
    socket.resume();
  });
  const open = new Set<Socket>();
  server.on("tlsClientError", () => {});
  server.on("connection", (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    for (const socket of secured) socket.destroy();
    for (const socket of open) socket.destroy();
    server.close();
    await once(server, "close");
  };
  const renew = (certificate: Pick<TlsOptions, "cert" | "key">) =>
    server.setSecureContext({ ...options, ...certificate });
  return { port, address: `127.0.0.1:${port}`, open, secured, renew, close, [Symbol.asyncDispose]: close };
}

/** A lookup that resolves every name to 127.0.0.1. */
export const loopback: TcpOptions["lookup"] = (_host, { family }, done) =>
  done(null, family === 4 ? [{ address: "127.0.0.1", family }] : []);
