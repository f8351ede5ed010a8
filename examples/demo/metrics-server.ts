import { createServer } from "node:http";
import type { Registry } from "prom-client";
import { listenOnLoopback } from "./listen.ts";

/** Serves the metrics of `registry` at `/metrics` on loopback. */
export async function serveMetrics(registry: Registry, port = 0): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(async (request, response) => {
    if (request.url?.split("?", 1)[0] !== "/metrics") {
      response.writeHead(404, { "content-type": "text/plain" }).end("Not found; the metrics are at /metrics.\n");
      return;
    }
    response.writeHead(200, { "content-type": registry.contentType }).end(await registry.metrics());
  });
  const url = `http://127.0.0.1:${await listenOnLoopback(server, port)}/metrics`;
  return {
    url,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}
