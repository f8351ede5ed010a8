import { parseTarget, type Target } from "../core/target.ts";
import { messageOf } from "../support/message.ts";
import { printable } from "../support/printable.ts";
import { redact } from "../support/redact.ts";
import type { SentSecrets } from "../support/sent-secrets.ts";
import { invalid, show } from "../support/validate.ts";

/** What a proxy asks its clients for. */
export interface ProxyAuth {
  readonly username: string;
  readonly password: string;
}

/** A proxy's URL, taken apart. */
export interface Proxy {
  /** Such as `http` or `socks5h`. */
  readonly scheme: string;
  readonly target: Target;
  readonly auth: ProxyAuth | undefined;
}

/** Ports of proxies that are named without one, as curl takes them. */
const defaultPort = (scheme: string) => (scheme === "https" ? 443 : 1080);

/** A `URL` drops the port that is its scheme's own. */
const portOfUrl = (scheme: string) => (scheme === "http" ? 80 : defaultPort(scheme));

/**
 * Reads a proxy's URL: `scheme://[user:password@]host[:port]`.
 *
 * @throws TypeError naming the proxy, with any userinfo blanked, when it can't be used.
 */
export function parseProxy(factory: string, proxy: unknown, schemes: readonly string[]): Proxy {
  const text = proxy instanceof URL ? proxy.href : proxy;
  if (typeof text !== "string") throw invalid(TypeError, `${factory}: proxy must be a URL, got ${show(proxy)}`);
  const refused = (why: string) =>
    invalid(TypeError, `${factory}: proxy ${why}, got ${printable(JSON.stringify(redact(text)), 600)}`);

  const scheme = /^([a-z][a-z\d+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase() ?? "";
  if (!schemes.includes(scheme)) throw refused(`must start with ${schemes.map((each) => `${each}://`).join(" or ")}`);
  const [authority = "", ...rest] = text.slice(scheme.length + 3).split(/[/?#]/);
  // Else the start of a password would pass for host and port.
  if (rest.some((part) => part.includes("@"))) throw refused("must have /, ? and # in its userinfo percent-encoded");
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

/** Throws a `TypeError` that shows nothing of `auth`, unless it is a username and a password. */
export function checkAuth(factory: string, auth: ProxyAuth): void {
  const { username, password } = (auth ?? {}) as Partial<ProxyAuth>;
  if (typeof username !== "string" || typeof password !== "string") {
    throw invalid(TypeError, `${factory}: auth must be { username, password }`);
  }
}

/** Has credentials blanked. A name without a password is the secret itself. */
export function addProxyAuth(secrets: SentSecrets, username: string, password: string): SentSecrets {
  const pair = Buffer.from(`${username}:${password}`).toString("base64");
  return password === "" ? secrets.add([username, pair]) : secrets.add([password, pair], [username]);
}

function readAuth(userinfo: string): ProxyAuth {
  const colon = userinfo.indexOf(":");
  if (colon < 0) return { username: decode(userinfo), password: "" };
  return { username: decode(userinfo.slice(0, colon)), password: decode(userinfo.slice(colon + 1)) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
