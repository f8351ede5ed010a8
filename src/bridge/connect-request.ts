import { httpStatusOf } from "./answers.ts";
import type { ClientRequest } from "./client-request.ts";
import type { Gate } from "./gate.ts";
import { refused } from "./refused-request.ts";
import { requestedTarget } from "./requested-target.ts";

const statusTexts: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  405: "Method Not Allowed",
  407: "Proxy Authentication Required",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

const established = Buffer.from("HTTP/1.1 200 Connection established\r\n\r\n");

/** Only `host:port`: no scheme, userinfo or path (RFC 9112, section 3.2.3). */
const authorityForm = /^(?:\[([\da-f:.]+)\]|([^\s:/?#@[\]\\]+)):(\d{1,5})$/i;

/** Length of an HTTP request's head. */
export function connectHeadLength(bytes: Buffer): number | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  return end < 0 ? undefined : end + 4;
}

/**
 * Reads a CONNECT request.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6
 */
export function connectRequest(head: Buffer, gate: Gate): ClientRequest {
  const [requestLine = "", ...headers] = head.toString("latin1").trimEnd().split("\r\n");
  const [, method, authority = ""] = /^([!-~]+) ([!-~]+) HTTP\/\d\.\d$/.exec(requestLine) ?? [];
  if (method === undefined) throw refused("protocol", "the client's request is not HTTP", answer(400, "bad_request"));
  if (method !== "CONNECT") {
    throw refused(
      "protocol",
      "the HTTP method is not CONNECT",
      answer(405, "only CONNECT is supported", "Allow: CONNECT"),
    );
  }
  if (gate.needsCredentials && !hasCredentials(headers, gate)) {
    const challenge = 'Proxy-Authenticate: Basic realm="proxy"';
    throw refused("auth_failed", "the client sent no valid credentials", answer(407, "auth_failed", challenge));
  }
  const [, address, name, port = ""] = authorityForm.exec(authority) ?? [];
  const target = requestedTarget(address ?? name ?? "", port);
  if (target === undefined) throw refused("protocol", "CONNECT has no valid target", answer(400, "bad_target"));
  if (!gate.admitsTarget(target)) {
    throw refused("access_denied", `the target ${target} is not allowed`, answer(403, "access_denied"), target);
  }
  return {
    target,
    granted: established,
    refusal: (reason) => answer(httpStatusOf(reason), reason),
  };
}

function hasCredentials(headers: readonly string[], gate: Gate): boolean {
  const values = headers.flatMap((line) => /^proxy-authorization:[ \t]*(.*?)[ \t]*$/i.exec(line)?.[1] ?? []);
  const [, encoded] = /^basic +([\w+/=-]+)$/i.exec(values.length === 1 ? (values[0] ?? "") : "") ?? [];
  if (encoded === undefined) return false;
  const [, username = "", password] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, "base64").toString()) ?? [];
  return password !== undefined && gate.admitsCredentials(username, password);
}

/** Returns an answer whose body is a reason word: never text from the client or the target. */
function answer(status: number, reason: string, header?: string): Uint8Array {
  const body = `${reason}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${statusTexts[status]}`,
    ...(header === undefined ? [] : [header]),
    // RFC 9209. For tools that show headers but no body.
    `Proxy-Status: dialtrace; details="${reason}"`,
    "Content-Type: text/plain",
    `Content-Length: ${body.length}`,
    "Connection: close",
  ];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`);
}
