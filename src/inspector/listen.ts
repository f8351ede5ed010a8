import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, isIP } from "node:net";
import { checkOptions, invalid, show } from "../support/validate.ts";
import { limitConnections, requestTimeouts } from "./connection-limit.ts";
import { lastSegment, type RequestHandler } from "./handler.ts";

/** Options of `inspector().listen()`. */
export interface InspectorListenOptions {
  /** TCP port, 0 to 65535; 0 chooses a free port. @defaultValue 0 */
  port?: number | undefined;
  /**
   * Address or name to listen on. The page has no authentication and shows where the process connects: use loopback
   * unless a proxy in front authenticates. @defaultValue `"127.0.0.1"`
   */
  host?: string | undefined;
}

/** The server of the page. It does not keep the process alive. */
export interface InspectorServer extends AsyncDisposable {
  /** Port that the server listens on. */
  readonly port: number;
  /** URL of the page. */
  readonly url: string;
  /** Stops the server and closes every connection to it. */
  close(): Promise<void>;
}

/**
 * Serves the page on a server of its own.
 *
 * @throws RangeError or TypeError if an option is invalid.
 */
export async function listen(
  options: InspectorListenOptions,
  handlerFor: (host: string) => RequestHandler,
): Promise<InspectorServer> {
  checkOptions("inspector.listen", options, { port: true, host: true });
  const { port = 0, host = "127.0.0.1" } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw invalid(RangeError, `inspector.listen: port must be a whole number from 0 to 65535, got ${show(port)}`);
  }
  if (typeof host !== "string" || host === "") {
    throw invalid(TypeError, `inspector.listen: host must be a name or an address, got ${show(host)}`);
  }
  const handle = handlerFor(host);
  const server = createServer(requestTimeouts);
  const exempt = limitConnections(server);
  server.on("request", (request, response) => {
    if (["", "json", "events"].includes(lastSegment(request.url))) handle(request, response);
    else
      response.writeHead(404, { "content-type": "text/plain" }).end("Not found; the paths are /, /json and /events.\n");
    // Every other response has ended by now.
    if (!response.writableEnded) exempt(request.socket);
  });
  server.listen(port, host);
  await once(server, "listening");
  server.unref();
  const { port: bound } = server.address() as AddressInfo;
  const close = async () => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  };
  return {
    port: bound,
    url: `http://${isIP(host) === 6 ? `[${host}]` : host}:${bound}/`,
    close,
    [Symbol.asyncDispose]: close,
  };
}
