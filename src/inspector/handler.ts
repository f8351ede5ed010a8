import type { IncomingMessage, ServerResponse } from "node:http";
import { isHostAllowed, isOwnOrigin } from "./hosts.ts";
import type { LiveUpdates } from "./live.ts";
import { contentSecurityPolicy, page } from "./page/page.ts";
import { summarize } from "./summarize.ts";
import type { Watch } from "./watch.ts";

/** A request handler for `http.createServer`, Express and similar frameworks. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** Headers of every response. There is deliberately no CORS header: pages of other sites must not read the data. */
const headers = {
  "cache-control": "no-store",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/**
 * Returns a handler that serves the page, `json` and `events`. It looks only at the path's last segment, so that it
 * can be mounted under any path.
 */
export function requestHandler(watch: Watch, live: LiveUpdates, allowed: ReadonlySet<string>): RequestHandler {
  return function inspectorHandler(request, response) {
    const refuse = (status: number, text: string, more: Record<string, string> = {}) =>
      answer(request, response, status, `${text}\n`, { "content-type": "text/plain; charset=utf-8", ...more });

    if (request.method !== "GET" && request.method !== "HEAD") {
      return refuse(405, "Only GET and HEAD are supported.", { allow: "GET, HEAD" });
    }
    const authority = request.headers[":authority"] ?? request.headers.host;
    const host = typeof authority === "string" ? authority : undefined;
    if (!isHostAllowed(host, allowed)) {
      return refuse(403, "This host is not allowed; add it to the inspector's option hosts.");
    }
    if (!isOwnOrigin(request.headers.origin, host)) return refuse(403, "Cross-origin requests are not allowed.");
    const file = lastSegment(request.url);
    if (file !== "json" && file !== "events") {
      const policy = { "content-security-policy": contentSecurityPolicy() };
      return answer(request, response, 200, page(), { "content-type": "text/html; charset=utf-8", ...policy });
    }
    // Another site's page could not read the response, but could hold streams open. Browsers send an Origin with some
    // requests only, and the requesting site with all, but only to loopback and over TLS.
    const site = request.headers["sec-fetch-site"];
    if (site !== undefined && site !== "same-origin" && site !== "none")
      return refuse(403, "Cross-site requests are not allowed.");
    if (file === "json") {
      const body = JSON.stringify(summarize(watch));
      return answer(request, response, 200, body, { "content-type": "application/json; charset=utf-8" });
    }
    if (request.method === "HEAD") {
      return answer(request, response, 200, "", { "content-type": "text/event-stream; charset=utf-8" });
    }
    if (!live.add(response, headers)) {
      refuse(503, "The maximum number of viewers is reached.", { "retry-after": "5" });
    }
  };
}

/** Returns the last segment of a request's path. */
export function lastSegment(url = "/"): string {
  const [path = ""] = url.split(/[?#]/, 1);
  return path.slice(path.lastIndexOf("/") + 1);
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: string,
  more: Record<string, string>,
): void {
  const length = { "content-length": String(Buffer.byteLength(body)) };
  const bodyHeaders = more["content-type"]?.startsWith("text/event-stream") ? {} : length;
  response.writeHead(status, { ...headers, ...bodyHeaders, ...more });
  response.end(request.method === "HEAD" ? undefined : body);
}
