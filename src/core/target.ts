import { isIPv6 } from "node:net";
import { BoundedMap } from "../support/bounded-map.ts";
import { messageOf, textOf } from "../support/message.ts";
import { isPrintable, printable } from "../support/printable.ts";
import { redact } from "../support/redact.ts";
import { wellKnownPorts } from "../support/well-known-ports.ts";
import { canonicalHost } from "./host-name.ts";

/** Accepted forms of a target. See {@link parseTarget} for the string forms. */
export type TargetLike =
  | string
  | URL
  | Target
  | { readonly host: string; readonly port: number | string }
  | { readonly path: string };

/** The target of a dial: a host and port, or the path of a unix socket. Immutable and without userinfo. */
export class Target {
  /** Host name in ASCII (A-labels, `xn--…`, if internationalized) or IP literal without brackets; empty for a unix socket. */
  readonly host: string;
  /** Port, 1 to 65535; 0 for a unix socket. */
  readonly port: number;
  /** Path of the unix socket, or `@name` of one in Linux's abstract namespace; otherwise `undefined`. */
  readonly path: string | undefined;

  /** @internal Use {@link parseTarget}. */
  constructor(host: string, port: number, path?: string) {
    this.host = host;
    this.port = port;
    this.path = path;
    // Hooks get this object; a hook that modifies it must not change where the dial connects.
    Object.freeze(this);
  }

  /** `host:port`, `[v6]:port` or `unix:/path`: the form in logs, spans and errors. */
  toString(): string {
    if (this.path !== undefined) return `unix:${shownPath(this.path)}`;
    return this.host.includes(":") ? `[${this.host}]:${this.port}` : `${this.host}:${this.port}`;
  }
}

/**
 * Maximum number of bytes of a path that are shown. A longer path cannot be dialed, and its error message needs room
 * for the reason.
 */
const maxShownPath = 256;

/**
 * Returns a path, quoted and with invisible characters escaped if it has any. Targets are compared by their string
 * form, so different paths must have different results.
 */
export function shownPath(path: string): string {
  return path.length <= maxShownPath && isPrintable(path) && !path.startsWith('"')
    ? path
    : printable(JSON.stringify(path), maxShownPath);
}

/**
 * Reads a target: `host:port`, `[::1]:4222`, `scheme://host[:port]` (the port is optional for well-known schemes such
 * as `nats`), `unix:/run/x.sock`, `unix:@name` (Linux's abstract namespace), a `URL`, `{ host, port }` or `{ path }`.
 * Userinfo is dropped. Internationalized names are converted to A-labels, percent-encoded bytes of a URL's host are
 * decoded, and IPv4 addresses in other notations (`127.1`) are converted to dotted decimal.
 *
 * @throws TypeError naming the target, with any userinfo blanked, if the target is invalid; its `code` is
 * `ERR_INVALID_TARGET`, its `reason` is `config`.
 * @see https://www.rfc-editor.org/rfc/rfc5891
 */
export function parseTarget(target: TargetLike): Target {
  if (target instanceof Target) return target;
  if (typeof target === "string") return recentTargets.get(target) ?? parseRecent(target);
  if (target instanceof URL) {
    if (target.protocol === "unix:") return unixUrl(target);
    return parseText(target.host === "" ? target.href : `${target.protocol}//${target.host}`);
  }
  if (typeof target === "object" && target !== null) {
    if ("path" in target && target.path !== undefined) return unixTarget(target.path, `unix:${textOf(target.path)}`);
    if ("host" in target) return tcpTarget(target.host, target.port, `${textOf(target.host)}:${textOf(target.port)}`);
  }
  throw invalid(textOf(target), "must be a string, a URL, { host, port } or { path }");
}

/**
 * As {@link parseTarget}, for a target that a user has given to a factory.
 *
 * @param option - where it was given, such as `connect: servers`. The error's message begins with it.
 */
export function parseTargetOf(option: string, target: TargetLike): Target {
  try {
    return parseTarget(target);
  } catch (error) {
    // A getter of the user's object may have thrown.
    if ((error as { code?: unknown } | undefined)?.code !== invalidCode) throw error;
    throw asInvalid(`${option}: ${messageOf(error)}`);
  }
}

/** Targets parsed from strings: a program dials few of them, many times, and parsing costs a tenth of a dial. */
const recentTargets = new BoundedMap<string, Target>(100);
const maxKeptText = 300;

function parseRecent(text: string): Target {
  const target = parseText(text);
  // A text with userinfo may contain a password, which must not stay in memory.
  if (!text.includes("@") && text.length <= maxKeptText) recentTargets.set(text, target);
  return target;
}

function parseText(text: string): Target {
  if (text.startsWith("unix:")) return unixTarget(text.slice(text.startsWith("unix://") ? 7 : 5), text);
  const schemeEnd = text.indexOf("://");
  if (schemeEnd < 0) return parseAuthority(text, undefined, text, plain);
  // RFC 3986, section 3.2: the authority ends at the next slash, question mark or number sign.
  const [authority = ""] = text.slice(schemeEnd + 3).split(/[/?#]/, 1);
  // An @ after a slash is read as the end of a password, not as part of a path: no part of a password may become the host.
  if (text.includes("@", schemeEnd + 3 + authority.length)) {
    throw invalid(text, "a / ? or # in its userinfo must be percent-encoded");
  }
  return parseAuthority(authority, wellKnownPorts[text.slice(0, schemeEnd).toLowerCase()], text, percentDecoded);
}

function parseAuthority(
  authority: string,
  defaultPort: number | undefined,
  text: string,
  decode: (host: string, text: string) => string,
): Target {
  const hostPort = authority.slice(authority.lastIndexOf("@") + 1);
  if (hostPort.startsWith("[")) {
    const end = hostPort.indexOf("]");
    if (end < 0) throw invalid(text, "its [ is not closed by a ]");
    const rest = hostPort.slice(end + 1);
    if (rest !== "" && !rest.startsWith(":")) throw invalid(text, "a port must follow the ]");
    const host = decode(hostPort.slice(1, end), text);
    if (!isIPv6(host)) throw invalid(text, "the host in brackets must be an IPv6 address");
    return tcpTarget(host, rest === "" ? defaultPort : rest.slice(1), text);
  }
  const colon = hostPort.indexOf(":");
  if (colon !== hostPort.lastIndexOf(":")) throw invalid(text, "an IPv6 address needs brackets: [::1]:4222");
  if (colon < 0) return tcpTarget(decode(hostPort, text), defaultPort, text);
  return tcpTarget(decode(hostPort.slice(0, colon), text), hostPort.slice(colon + 1), text);
}

function plain(host: string): string {
  return host;
}

/** Decodes the host of a URL: its name (RFC 3986, section 3.2.2) and zone (RFC 6874) may be percent-encoded. */
function percentDecoded(host: string, text: string): string {
  if (!host.includes("%")) return host;
  if (host.includes(":")) return host.replace(/%25(?=.)/, "%");
  return decoded(host, text);
}

function decoded(encoded: string, text: string): string {
  try {
    return encoded.replace(/(?:%[\da-f]{2})+/gi, decodeURIComponent);
  } catch {
    throw invalid(text, "its percent-encoded bytes are not valid UTF-8");
  }
}

function tcpTarget(host: unknown, port: unknown, text: string): Target {
  if (typeof host !== "string" || host === "") throw invalid(text, "the host is missing");
  const name = canonicalHost(host, (why) => invalid(text, why));
  if (port === undefined || port === "") throw invalid(text, "the port is missing");
  const number = typeof port === "string" && /^\d{1,5}$/.test(port) ? Number(port) : port;
  if (!Number.isInteger(number) || (number as number) < 1 || (number as number) > 65535) {
    throw invalid(text, "the port must be a whole number from 1 to 65535");
  }
  return new Target(name, number as number);
}

/** Decodes the path of a URL, which is percent-encoded; the string form is not. */
function unixUrl({ host, pathname, search, hash }: URL): Target {
  const path = `${host}${pathname}${search}${hash}`;
  return unixTarget(decoded(path, `unix:${path}`), `unix:${path}`);
}

function unixTarget(path: unknown, text: string): Target {
  if (typeof path !== "string" || path === "") throw invalid(text, "the socket's path is missing");
  // Node names an abstract socket with a leading NUL; tools show an @ instead, which is printable.
  const shown = path.startsWith("\0") ? `@${path.slice(1)}` : path;
  if (shown.includes("\0")) throw invalid(text, "the socket's path contains a NUL");
  return new Target("", 0, shown);
}

function invalid(text: string, why: string): TypeError {
  return asInvalid(`invalid target ${printable(JSON.stringify(redact(text)), 600)}: ${why}`);
}

const invalidCode = "ERR_INVALID_TARGET";

function asInvalid(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: invalidCode, reason: "config" });
}
