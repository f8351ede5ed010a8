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

export interface HttpProxyOptions {
  /**
   * `http://[user:password@]host[:port]`, or `https://…` to speak TLS with the proxy.
   * @defaultValue port 1080, as in curl, or 443 for https; 80 for a `URL` of http, which keeps no `:80`
   */
  proxy: string | URL;
  /** Credentials, if the URL has none. Sent as Basic; never shown. */
  auth?: ProxyAuth | undefined;
  /** Further headers of the CONNECT request, such as another kind of `Proxy-Authorization`; never shown. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Bound on the proxy's answer in milliseconds. @defaultValue 30 000 */
  timeoutMs?: number | undefined;
}

/** Longest answer taken from a proxy, interim ones included. */
const maxHeadBytes = 16 * 1024;

/** Most interim answers (1xx) taken from a proxy before the one that counts. Go's client takes 5. */
const maxInterimAnswers = 8;

/**
 * Dials through an HTTP proxy, by CONNECT. Bytes that come together with the proxy's answer, from a
 * server that speaks first, are handed over with the connection. The proxy resolves the target's name.
 *
 * @param over - dials the proxy. @defaultValue `tcp()`, or `tls()` for an https proxy
 * @throws TypeError or RangeError at construction, naming the option.
 * @throws DialError `proxy_auth` when the proxy answers 407 or 401, `proxy_rejected` for any other answer but success.
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
      type: "http",
      proxy,
      timeoutMs,
      async ask(socket, target) {
        if (secrets !== undefined) noteSecrets(socket, secrets);
        // RFC 6874, section 1: the zone of a link-local address means something on this host alone.
        const authority = String(target).replace(/%[^\]]*(?=\])/, "");
        // A Target that was not parsed may hold any name, even one that ends the line.
        if (!/^[!-~]+$/.test(authority)) {
          throw new DialError("CONNECT can't carry a name with other than printable ASCII", { reason: "config" });
        }
        socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${lines}\r\n`);
        const status = await readStatus(socket);
        if (status > 299) {
          // 401 is how tinyproxy says that the credentials are wrong.
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
      throw invalid(TypeError, `httpProxy: headers: ${show(name)} or its value can't be sent`);
    }
    const taken = name.toLowerCase();
    if (taken === "host" || (taken === "proxy-authorization" && auth !== undefined)) {
      throw invalid(TypeError, `httpProxy: headers: ${name} is set already`);
    }
  }
  if (auth !== undefined) {
    checkAuth("httpProxy", auth);
    // RFC 7617, section 2: the first colon ends the user's name.
    if (auth.username.includes(":")) throw invalid(TypeError, "httpProxy: auth: a username has no colon");
    const credentials = Buffer.from(`${auth.username}:${auth.password}`).toString("base64");
    all.push(["Proxy-Authorization", `Basic ${credentials}`]);
  }
  return all.map(([name, value]) => `${name}: ${value}\r\n`).join("");
}

/** RFC 9110, section 15.2: interim answers may come first. */
async function readStatus(socket: Socket): Promise<number> {
  let leftBytes = maxHeadBytes;
  for (let interim = 0; interim <= maxInterimAnswers; interim += 1) {
    const head = await readHead(socket, headLength, leftBytes, maxHeadBytes);
    const status = statusOf(head);
    if (status >= 200) return status;
    leftBytes -= head.length;
    // What has come with it is read in a turn of its own: else a flood would let nothing else happen.
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new DialError(`the proxy sent more than ${maxInterimAnswers} interim answers`, { reason: "proxy_rejected" });
}

/** What the proxy must not tell of what it is sent. */
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
  // What speaks something else may never send an empty line.
  const start = bytes.subarray(0, httpVersion.length);
  return httpVersion.subarray(0, start.length).equals(start) ? undefined : bytes.length;
}

function statusOf(head: Buffer): number {
  const [, status] = /^HTTP\/1\.\d ([1-5]\d\d)[ \r]/.exec(head.toString("latin1", 0, 16)) ?? [];
  // What it says instead stays out of the message: it may be our own request, credentials and all.
  if (status === undefined) throw new DialError("the proxy's answer is not HTTP", { reason: "proxy_rejected" });
  return Number(status);
}
