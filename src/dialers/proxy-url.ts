import { parseTarget, type Target } from "../core/target.ts";
import { messageOf } from "../support/message.ts";
import { printable } from "../support/printable.ts";
import { redact } from "../support/redact.ts";
import type { SentSecrets } from "../support/sent-secrets.ts";
import { parseUserinfo } from "../support/userinfo.ts";
import { invalid, show } from "../support/validate.ts";

/** Credentials for a proxy. */
export interface ProxyAuth {
  /** Must not contain a colon for HTTP proxies; 1 to 255 bytes for SOCKS5. */
  readonly username: string;
  /** At most 255 bytes for SOCKS5. */
  readonly password: string;
}

/** A parsed proxy URL. */
export interface Proxy {
  /** The URL scheme, such as `http` or `socks5h`. */
  readonly scheme: string;
  readonly target: Target;
  readonly auth: ProxyAuth | undefined;
}

/** The port of a proxy URL without one, as in curl. */
const defaultPort = (scheme: string) => (scheme === "https" ? 443 : 1080);

/** The port of a `URL` object without one: a `URL` drops its scheme's default port. */
const portOfUrl = (scheme: string) => (scheme === "http" ? 80 : defaultPort(scheme));

/**
 * Parses a proxy URL: `scheme://[user:password@]host[:port]`.
 *
 * @throws TypeError when it cannot be used; the message shows the URL without its userinfo.
 */
export function parseProxy(factory: string, proxy: unknown, schemes: readonly string[]): Proxy {
  const text = proxy instanceof URL ? proxy.href : proxy;
  if (typeof text !== "string") throw invalid(TypeError, `${factory}: proxy must be a URL, got ${show(proxy)}`);
  const refused = (why: string) =>
    invalid(TypeError, `${factory}: proxy ${why}, got ${printable(JSON.stringify(redact(text)), 600)}`);

  const scheme = /^([a-z][a-z\d+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase() ?? "";
  if (!schemes.includes(scheme)) throw refused(`must start with ${schemes.map((each) => `${each}://`).join(" or ")}`);
  const [authority = "", ...rest] = text.slice(scheme.length + 3).split(/[/?#]/);
  // Otherwise the start of a password could be mistaken for host and port.
  if (rest.some((part) => part.includes("@"))) throw refused("must percent-encode /, ? and # in the userinfo");
  const at = authority.lastIndexOf("@");
  const hostPort = authority.slice(at + 1);
  const hasPort = hostPort.replace(/^\[.*\]/, "").includes(":");
  const port = proxy instanceof URL ? portOfUrl(scheme) : defaultPort(scheme);
  try {
    const target = parseTarget(`${scheme}://${hostPort}${hasPort ? "" : `:${port}`}`);
    return { scheme, target, auth: at < 0 ? undefined : readAuth(authority.slice(0, at)) };
  } catch (error) {
    throw refused(`must name a host: ${messageOf(error)}`);
  }
}

/**
 * Checks that `auth` is a username and a password.
 *
 * @throws TypeError, without showing any of `auth`.
 */
export function checkAuth(factory: string, auth: ProxyAuth): void {
  const { username, password } = (auth ?? {}) as Partial<ProxyAuth>;
  if (typeof username !== "string" || typeof password !== "string") {
    throw invalid(TypeError, `${factory}: auth must be { username, password }`);
  }
}

/** Adds credentials to the secrets that must not be shown. A username without a password is itself the secret. */
export function addProxyAuth(secrets: SentSecrets, username: string, password: string): SentSecrets {
  const pair = Buffer.from(`${username}:${password}`).toString("base64");
  return password === "" ? secrets.add([username, pair]) : secrets.add([password, pair], [username]);
}

function readAuth(userinfo: string): ProxyAuth {
  const { username, password = "" } = parseUserinfo(userinfo);
  return { username, password };
}
