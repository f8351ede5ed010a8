import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, isIP } from "node:net";
import { checkOptions, invalid, show } from "../support/validate.ts";
import { lastSegment, type RequestHandler } from "./handler.ts";

export interface InspectorListenOptions {
  /** Port of the page; 0 takes a free one. @defaultValue 0 */
  port?: number | undefined;
  /**
   * Address to listen on. Whoever reaches it sees where the process connects to: keep it on loopback
   * unless something in front asks who they are. @defaultValue `"127.0.0.1"`
   */
  host?: string | undefined;
}

/** A page that is served. It doesn't keep the process alive. */
export interface InspectorServer extends AsyncDisposable {
  readonly port: number;
  /** Where the page is. */
  readonly url: string;
  /** Ends the server and every connection to it. */
  close(): Promise<void>;
}

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
  const server = createServer((request, response) => {
    // What lives longer than an answer, a stream of events, must not keep the process alive either.
    request.socket.unref();
    if (["", "json", "events"].includes(lastSegment(request.url))) handle(request, response);
    else response.writeHead(404, { "content-type": "text/plain" }).end("There are only /, /json and /events here.\n");
  });
  server.maxConnections = 100;
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
