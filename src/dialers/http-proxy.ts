import type { Socket } from "node:net";
import type { Dialer } from "../core/dialer.ts";
import { DialError } from "../core/errors.ts";
import { lazyModules } from "../support/lazy-modules.ts";
import { markFactories } from "../support/roles.ts";
import { noteSecrets, SentSecrets } from "../support/sent-secrets.ts";
import { checkDialer, checkDuration, checkOptions, invalid, isPlain, show, showKind } from "../support/validate.ts";
import { addProxyAuth, checkAuth, type ProxyAuth, parseProxy } from "./proxy-url.ts";
import { readHead } from "./read-head.ts";
import { tcp } from "./tcp.ts";
import { tls } from "./tls.ts";
import { type SocketDialer, tunnelDialer } from "./tunnel.ts";

/** Options of {@link httpProxy}. */
export interface HttpProxyOptions {
  /**
   * The proxy: `http://[user:password@]host[:port]`, or `https://…` to connect to it over TLS. Required. The port defaults
   * to 1080 for http, as in curl, and to 443 for https. For a `URL` object of http it defaults to 80, because a `URL`
   * drops `:80`.
   */
  proxy: string | URL;
  /** Credentials, sent as Basic; never shown. @defaultValue those in the URL */
  auth?: ProxyAuth | undefined;
  /** Additional headers of the CONNECT request, such as a `Proxy-Authorization` of another scheme; never shown. @defaultValue none */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Timeout of the proxy's response in milliseconds, 1 to 2^31-1. @defaultValue 30 000 */
  timeoutMs?: number | undefined;
}

/** Maximum length of a proxy's response in bytes, including interim responses. */
const maxHeadBytes = 16 * 1024;

/** Maximum number of interim responses (1xx) before the final one. Go's `net/http` accepts 5. */
const maxInterimResponses = 8;

/**
 * Dials through an HTTP proxy with CONNECT. The proxy resolves the target's name. Bytes of a server-first protocol that
 * arrive with the proxy's response are kept and can be read from the connection.
 *
 * @param over - dials the proxy. @defaultValue `tcp()`, or `tls()` for an https proxy
 * @throws TypeError or RangeError at construction, naming the option.
 * @throws DialError from the dial: `proxy_auth` when the proxy answers 407 or 401, `proxy_rejected` for any other answer
 * except success; DialTimeoutError of scope `phase`.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6
 */
export function httpProxy(options: HttpProxyOptions, over?: SocketDialer): Dialer<Socket> {
  checkOptions("httpProxy", options, { proxy: true, auth: true, headers: true, timeoutMs: true });
  const { scheme, target: proxy, auth: urlAuth } = parseProxy("httpProxy", options.proxy, ["http", "https"]);
  const { auth = urlAuth, headers = {}, timeoutMs = 30_000 } = options;
  if (over !== undefined) checkDialer("httpProxy: over", over);
  checkDuration("httpProxy: timeoutMs", timeoutMs);
  const lines = headerLines(headers, auth);
  const secrets = secretsOf(headers, auth);

  return tunnelDialer(
    {
      factory: "httpProxy",
      type: "http",
      proxy,
      timeoutMs,
      isDefault: options.timeoutMs === undefined,
      async open(socket, target) {
        if (secrets !== undefined) noteSecrets(socket, secrets);
        // RFC 6874, section 1: the zone of a link-local address is valid only on this host.
        const authority = String(target).replace(/%[^\]]*(?=\])/, "");
        // A Target that was not parsed may hold any name, even one that ends the line.
        if (!/^[!-~]+$/.test(authority)) {
          throw new DialError("CONNECT cannot send a name with characters other than printable ASCII", {
            reason: "config",
          });
        }
        socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${lines}\r\n`);
        const status = await readStatus(socket);
        if (status > 299) {
          // tinyproxy answers 401 to wrong credentials.
          const reason = status === 407 || status === 401 ? "proxy_auth" : "proxy_rejected";
          throw new DialError(`the proxy ${proxy} answered ${status}`, { reason });
        }
      },
    },
    over ?? (scheme === "https" ? tls() : tcp()),
  );
}

markFactories({ httpProxy });

function headerLines(headers: Readonly<Record<string, string>>, auth: ProxyAuth | undefined): string {
  if (!isPlain(headers)) throw invalid(TypeError, `httpProxy: headers must be an object, got ${showKind(headers)}`);
  const all = Object.entries(headers);
  for (const [name, value] of all) {
    try {
      lazyModules.http.validateHeaderName(name);
      lazyModules.http.validateHeaderValue(name, value);
    } catch {
      throw invalid(
        TypeError,
        `httpProxy: headers: ${show(name)} or its value contains characters that are not allowed`,
      );
    }
    const taken = name.toLowerCase();
    if (taken === "host" || (taken === "proxy-authorization" && auth !== undefined)) {
      throw invalid(TypeError, `httpProxy: headers: ${name} is set by httpProxy; leave it out`);
    }
  }
  if (auth !== undefined) {
    checkAuth("httpProxy", auth);
    // RFC 7617, section 2: the first colon ends the username.
    if (auth.username.includes(":")) throw invalid(TypeError, "httpProxy: auth: username must not contain a colon");
    const credentials = Buffer.from(`${auth.username}:${auth.password}`).toString("base64");
    all.push(["Proxy-Authorization", `Basic ${credentials}`]);
  }
  return all.map(([name, value]) => `${name}: ${value}\r\n`).join("");
}

/** Reads the status of the final response, after any interim responses (RFC 9110, section 15.2). */
async function readStatus(socket: Socket): Promise<number> {
  let leftBytes = maxHeadBytes;
  for (let interim = 0; interim <= maxInterimResponses; interim += 1) {
    const head = await readHead(socket, headLength, leftBytes, maxHeadBytes);
    const status = statusOf(head);
    if (status >= 200) return status;
    leftBytes -= head.length;
    // The next response is read in another turn, so that a flood of responses does not block the event loop.
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new DialError(`the proxy sent more than ${maxInterimResponses} interim responses`, {
    reason: "proxy_rejected",
  });
}

/** The credentials that must not be shown if the proxy's responses repeat them. */
function secretsOf(headers: Readonly<Record<string, string>>, auth: ProxyAuth | undefined): SentSecrets | undefined {
  const values = Object.values(headers);
  if (auth === undefined && values.length === 0) return undefined;
  const secrets = new SentSecrets();
  for (const value of values) {
    const [, scheme = "", credentials] = /^(\w+) +(\S+)$/.exec(value) ?? [];
    secrets.add([value, credentials]);
    if (credentials !== undefined && scheme.toLowerCase() === "basic") {
      const [, name = "", password] = /^([^:]*):(.*)$/s.exec(Buffer.from(credentials, "base64").toString()) ?? [];
      addProxyAuth(secrets, name, password ?? "");
    }
  }
  if (auth !== undefined) addProxyAuth(secrets, auth.username, auth.password);
  return secrets;
}

const httpVersion = Buffer.from("HTTP/1.");

function headLength(bytes: Buffer): number | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end >= 0) return end + 4;
  // A peer of another protocol may never send an empty line, so the first bytes decide.
  const start = bytes.subarray(0, httpVersion.length);
  return httpVersion.subarray(0, start.length).equals(start) ? undefined : bytes.length;
}

function statusOf(head: Buffer): number {
  const [, status] = /^HTTP\/1\.\d ([1-5]\d\d)[ \r]/.exec(head.toString("latin1", 0, 16)) ?? [];
  // The response stays out of the message: it may repeat the request with its credentials.
  if (status === undefined) throw new DialError("the proxy's response is not HTTP", { reason: "proxy_rejected" });
  return Number(status);
}
