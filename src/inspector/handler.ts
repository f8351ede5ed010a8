import type { IncomingMessage, ServerResponse } from "node:http";
import { isHostAllowed } from "./hosts.ts";
import type { LiveUpdates } from "./live.ts";
import { contentSecurityPolicy, page } from "./page/page.ts";
import { summarize } from "./summarize.ts";
import type { Watch } from "./watch.ts";

/** A request handler as `http.createServer`, Express and others take it. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** For every answer. No CORS header on purpose: no other site's page may read any of it. */
const headers = {
  "cache-control": "no-store",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/**
 * Answers for the page, its `json` and its `events`, told apart by the path's last segment, so that it can be
 * mounted under any path.
 */
export function requestHandler(watch: Watch, live: LiveUpdates, allowed: ReadonlySet<string>): RequestHandler {
  return function inspectorHandler(request, response) {
    const refuse = (status: number, text: string, more: Record<string, string> = {}) =>
      answer(request, response, status, `${text}\n`, { "content-type": "text/plain; charset=utf-8", ...more });

    if (request.method !== "GET" && request.method !== "HEAD") {
      return refuse(405, "Only GET and HEAD are answered here.", { allow: "GET, HEAD" });
    }
    const host = request.headers[":authority"] ?? request.headers.host;
    if (!isHostAllowed(typeof host === "string" ? host : undefined, allowed)) {
      return refuse(403, "This host is not allowed: name it in the inspector's option hosts.");
    }
    const file = lastSegment(request.url);
    if (file !== "json" && file !== "events") {
      const policy = { "content-security-policy": contentSecurityPolicy() };
      return answer(request, response, 200, page(), { "content-type": "text/html; charset=utf-8", ...policy });
    }
    // Browsers say who asks. Another site's page could not read the answer, but it could hold streams open.
    const site = request.headers["sec-fetch-site"];
    if (site !== undefined && site !== "same-origin" && site !== "none") return refuse(403, "Not for other sites.");
    if (file === "json") {
      const body = JSON.stringify(summarize(watch));
      return answer(request, response, 200, body, { "content-type": "application/json; charset=utf-8" });
    }
    if (request.method === "HEAD") {
      return answer(request, response, 200, "", { "content-type": "text/event-stream; charset=utf-8" });
    }
    if (!live.add(response, headers)) {
      refuse(503, "As many watch already as may.", { "retry-after": "5" });
    }
  };
}

/** The last segment of a request's path. */
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
  const ofBody = more["content-type"]?.startsWith("text/event-stream") ? {} : length;
  response.writeHead(status, { ...headers, ...ofBody, ...more });
  response.end(request.method === "HEAD" ? undefined : body);
}
