import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** An HTTP server on loopback that answers "ok" and counts its connections. */
export async function countingHttpServer() {
  let accepted = 0;
  const server = createServer((_request, response) => response.end("ok"));
  server.on("connection", () => {
    accepted += 1;
  });
  // No idle connection ends while a test compares the counts.
  server.keepAliveTimeout = 120_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    accepted: () => accepted,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Returns the number of connections that a NATS server has received, by the count that it serves at `monitorPort`. */
export async function natsConnections(monitorPort: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${monitorPort}/varz`, { headers: { connection: "close" } });
  return ((await response.json()) as { total_connections: number }).total_connections;
}
