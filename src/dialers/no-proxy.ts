import { BlockList, isIP } from "node:net";
import { canonicalHost } from "../core/host-name.ts";
import { redact } from "../support/redact.ts";
import { invalid, show } from "../support/validate.ts";
import { warnOnce } from "../support/warn.ts";

/** An entry: a name with its subdomains, or IP addresses; only for `port` if there is one. */
interface Entry {
  readonly name?: string;
  readonly addresses?: BlockList;
  readonly port: number | undefined;
}

/**
 * Parses `NO_PROXY` like curl: a name matches itself and its subdomains, a leading dot is ignored, IP addresses and CIDR
 * blocks match addresses (with or without brackets), and a single `*` matches everything. Like undici and Node's `http`,
 * it also accepts `*.name` for `.name`, `name:port` for one port, and `first-last` for a range of IPv4 addresses.
 * An entry that can match no target emits one warning per process.
 *
 * @returns a function that reports whether a host and port are dialed without a proxy.
 * @see https://curl.se/docs/manpage.html#--noproxy
 * @see https://nodejs.org/api/http.html#no_proxy-format
 */
export function noProxy(list: string): (host: string, port?: number) => boolean {
  if (list.trim() === "*") return () => true;
  const entries: Entry[] = [];
  for (const text of list.split(/[\s,]+/)) {
    if (text === "") continue;
    const entry = readEntry(text);
    if (entry === undefined) warn(text);
    else entries.push(entry);
  }
  return (host, port) => {
    const version = isIP(host);
    const family = version === 6 ? "ipv6" : "ipv4";
    // Zones (`fe80::1%eth0`) are not compared.
    const plain = version === 0 ? plainName(host) : (host.split("%", 1)[0] as string);
    return entries.some(
      (entry) =>
        (entry.port === undefined || entry.port === port) &&
        (version === 0 ? isWithin(plain, entry.name) : entry.addresses?.check(plain, family)),
    );
  };
}

function readEntry(text: string): Entry | undefined {
  // An IPv6 address with a port has brackets.
  const [, host = text, digits] = /^(\[.*\]|[^:]*):(\d{1,5})$/.exec(text) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && (port < 1 || port > 65535)) return undefined;
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  const addresses = readAddresses(bare);
  if (addresses !== undefined) return { addresses, port };
  const name = bare === host ? readName(host) : undefined;
  return name === undefined ? undefined : { name, port };
}

/** Parses an IP address, a CIDR block or a range. */
function readAddresses(text: string): BlockList | undefined {
  const addresses = new BlockList();
  const [first = "", last, ...more] = text.split("-").map(canonical);
  try {
    if (last !== undefined && more.length === 0 && isIP(first) === 4 && isIP(last) === 4) {
      addresses.addRange(first, last, "ipv4");
      return addresses;
    }
    const [address = "", prefix, ...rest] = text.split("/");
    const ip = canonical(address);
    const version = ip.includes("%") ? 0 : isIP(ip);
    const family = version === 6 ? "ipv6" : "ipv4";
    if (version === 0 || rest.length > 0) return undefined;
    if (prefix === undefined) addresses.addAddress(ip, family);
    else if (/^\d{1,3}$/.test(prefix)) addresses.addSubnet(ip, Number(prefix), family);
    else return undefined;
    return addresses;
  } catch {
    // The prefix is too long, or the range ends before it starts.
    return undefined;
  }
}

function readName(text: string): string | undefined {
  const name = plainName(canonical(text.replace(/^\*?\./, "")));
  // Patterns and parts of addresses are not names.
  return /^[\w.-]+$/.test(name) && /[a-z_]/.test(name) ? name : undefined;
}

/** The canonical form of a host, as in a parsed target; empty if it is not a host. */
function canonical(host: string): string {
  try {
    return canonicalHost(host, () => invalid(TypeError, "not a host"));
  } catch {
    return "";
  }
}

function isWithin(name: string, domain: string | undefined): boolean {
  return domain !== undefined && (name === domain || name.endsWith(`.${domain}`));
}

/** The form in which names are compared: lower case, without leading and trailing dots. */
function plainName(name: string): string {
  return name.replace(/^\.|\.$/g, "").toLowerCase();
}

function warn(text: string): void {
  warnOnce(
    `NO_PROXY: ${show(redact(text))} matches no target; write a name (which includes its subdomains), an IP ` +
      "address, a CIDR block or a range of IPv4 addresses, each with or without :port, or a single * for all targets",
  );
}
