import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { ListenPlace } from "./settings.ts";

/** What a registry of prom-client has. */
export interface MetricsRegistry {
  readonly contentType: string;
  metrics(): Promise<string>;
}

/** Most connections at a time. */
const maxConnections = 100;

/**
 * Serves the metrics of a registry at `/metrics`. The server does not keep the process alive.
 *
 * @returns the port.
 */
export function serveMetrics(registry: MetricsRegistry, { host, port }: ListenPlace): Promise<number> {
  const server = createServer((request, response) => {
    request.socket.unref();
    const [path] = (request.url ?? "").split("?", 1);
    if (path !== "/metrics") {
      response.writeHead(404, { "content-type": "text/plain" }).end("Not found; the path is /metrics.\n");
      return;
    }
    registry.metrics().then(
      (text) => response.writeHead(200, { "content-type": registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  server.maxConnections = maxConnections;
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.unref();
      resolve((server.address() as AddressInfo).port);
    });
  });
}
