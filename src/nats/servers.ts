import { isIPv6 } from "node:net";
import { parseTargetOf } from "../core/target.ts";
import { parseUserinfo } from "../support/userinfo.ts";
import { invalid, show } from "../support/validate.ts";

const defaultPort = 4222;

/** Credentials in a server's URL, as fields of CONNECT. */
export type Userinfo = { readonly user: string; readonly pass: string } | { readonly auth_token: string };

/** A server from the options. */
export interface ConfiguredServer {
  /** `host:port`, without userinfo. */
  readonly address: string;
  /** Sent only to this server and to servers that it announces. */
  readonly userinfo: Userinfo | undefined;
}

/** The parsed `servers` option. */
export interface Servers {
  readonly servers: readonly ConfiguredServer[];
  /** Whether a `tls://` URL requires TLS. */
  readonly tls: boolean;
}

/**
 * Parses servers as the Go client does: a string with one or several servers separated by commas, or an array. A server is
 * `host`, `host:port`, `nats://user:pass@host`, `nats://token@host` or `tls://host`.
 *
 * @throws TypeError naming the server that cannot be dialed, without its userinfo.
 */
export function readServers(option: string | readonly string[] | undefined, port: number | undefined): Servers {
  // As in the library, an empty list means the default.
  if (option === "" || option === null || (Array.isArray(option) && option.length === 0)) option = undefined;
  if (option !== undefined && port !== undefined) throw invalid(TypeError, "connect: give servers or port, not both");
  // A part without userinfo, followed by a part with userinfo but without a scheme: the comma belongs to a password.
  if (typeof option === "string" && /(?:^|,)[^@,]*,(?!\s*[a-z]+:\/\/)[^@,]*@/i.test(option)) {
    throw invalid(TypeError, "connect: servers: write a comma in userinfo as %2C, or give servers as an array");
  }
  const list = typeof option === "string" ? option.split(",") : (option ?? [`127.0.0.1:${port ?? defaultPort}`]);
  if (!Array.isArray(list)) {
    throw invalid(TypeError, `connect: servers must be a string or an array of strings, got ${show(option)}`);
  }

  const servers: ConfiguredServer[] = [];
  let tls = false;
  for (const entry of list) {
    const text = typeof entry === "string" ? entry.trim() : entry;
    servers.push({ address: withPort(text), userinfo: readUserinfo(text) });
    tls ||= /^tls:\/\//i.test(text);
  }
  return { servers, tls };
}

function withPort(text: string): string {
  if (/^wss?:\/\//i.test(text))
    throw invalid(TypeError, "connect: servers: websockets are not supported; use wsconnect");
  if (isIPv6(text)) return parseTargetOf("connect: servers", { host: text, port: defaultPort }).toString();
  // With any scheme, or none, the default port is that of NATS.
  const target = parseTargetOf(
    "connect: servers",
    typeof text === "string" ? text.replace(/^([a-z]+:\/\/)?/i, "nats://") : text,
  );
  if (target.path !== undefined) throw invalid(TypeError, `connect: servers: NATS has no unix sockets, got ${target}`);
  return target.toString();
}

/** Returns the credentials in a URL, percent-decoded; a name alone is a token. */
export function readUserinfo(text: string): Userinfo | undefined {
  const authority = text.replace(/^[a-z]+:\/\//i, "").split(/[/?#]/, 1)[0] ?? "";
  const at = authority.lastIndexOf("@");
  if (at < 0) return undefined;
  const { username, password } = parseUserinfo(authority.slice(0, at));
  return password === undefined ? { auth_token: username } : { user: username, pass: password };
}
