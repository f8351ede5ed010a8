import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import type { FakeServer, FakeServerOptions } from "./fake-server.ts";

/** Starts a server of ws that answers each message with the same. */
export async function webSocketEcho({ port = 0, tls }: FakeServerOptions): Promise<FakeServer> {
  const http = tls === undefined ? createServer() : createSecureServer(tls);
  let accepted = 0;
  http.on("connection", () => {
    accepted += 1;
  });
  const server = new WebSocketServer({ server: http });
  server.on("connection", (socket) => {
    socket.on("error", () => {});
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  http.listen(port, "127.0.0.1");
  await once(http, "listening");
  const stop = async () => {
    for (const socket of server.clients) socket.terminate();
    http.closeAllConnections();
    if (!http.listening) return;
    http.close();
    await once(http, "close");
  };
  return {
    port: (http.address() as AddressInfo).port,
    get accepted() {
      return accepted;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
