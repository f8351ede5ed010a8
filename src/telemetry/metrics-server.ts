import { once } from "node:events";
import type { Server } from "node:http";
import { type AddressInfo, isIP } from "node:net";
import { Registry } from "prom-client";
import type { Middleware } from "../core/dialer.ts";
import { lazyModules } from "../support/lazy-modules.ts";
import { withPrometheus } from "./prometheus.ts";

/** A server of Prometheus metrics with a registry of its own. */
export interface MetricsServer {
  /** URL of the metrics. */
  readonly url: string;
  /** Returns a layer that measures a dialer under this name. */
  observe(name: string): Middleware;
  /** Stops the server and closes every connection to it. */
  close(): Promise<void>;
}

/**
 * Serves metrics at `/metrics`. It does not keep the process alive.
 *
 * @throws the error of the server, such as `EADDRINUSE`.
 */
export async function metricsServer(host: string, port: number): Promise<MetricsServer> {
  const registry = new Registry();
  const server = serve(registry);
  server.listen(port, host);
  await once(server, "listening");
  server.unref();
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${isIP(host) === 6 ? `[${host}]` : host}:${bound}/metrics`,
    observe: (name) => withPrometheus({ registry, name }),
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function serve(registry: Registry): Server {
  return lazyModules.http.createServer(async (request, response) => {
    request.socket.unref();
    const isRead = request.method === "GET" || request.method === "HEAD";
    if (!isRead || request.url?.split("?", 1)[0] !== "/metrics") {
      response
        .writeHead(isRead ? 404 : 405, { "content-type": "text/plain" })
        .end("Not found; the path is /metrics.\n");
      return;
    }
    try {
      const text = await registry.metrics();
      response.writeHead(200, { "content-type": registry.contentType }).end(text);
    } catch {
      response.writeHead(500).end();
    }
  });
}
