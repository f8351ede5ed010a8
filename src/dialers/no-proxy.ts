import { BlockList, isIP } from "node:net";
import { canonicalHost } from "../core/host-name.ts";
import { redact } from "../support/redact.ts";
import { invalid, show } from "../support/validate.ts";
import { warnOnce } from "../support/warn.ts";

/** An entry for one name and its subdomains, or for some addresses; of one port, where `port` is given. */
interface Entry {
  readonly name?: string;
  readonly addresses?: BlockList;
  readonly port: number | undefined;
}

/**
 * Reads `NO_PROXY` as curl does: names match themselves and their subdomains, a leading dot is
 * ignored, addresses and CIDR blocks match addresses, with brackets or without, and a lone `*` matches
 * everything. Besides, as undici and Node's `http` do, `*.name` is taken for `.name`, a port after a colon
 * restricts an entry to targets of that port, and `first-last` is a range of IPv4 addresses.
 * An entry that can match nothing is warned of, once in a process.
 *
 * @returns whether a target's host and port are to be dialed without a proxy.
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
    // An address without its zone, which only link-local ones have.
    const plain = version === 0 ? plainName(host) : (host.split("%", 1)[0] as string);
    return entries.some(
      (entry) =>
        (entry.port === undefined || entry.port === port) &&
        (version === 0 ? isWithin(plain, entry.name) : entry.addresses?.check(plain, family)),
    );
  };
}

function readEntry(text: string): Entry | undefined {
  // The port of an IPv6 address follows brackets.
  const [, host = text, digits] = /^(\[.*\]|[^:]*):(\d{1,5})$/.exec(text) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && (port < 1 || port > 65535)) return undefined;
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  const addresses = readAddresses(bare);
  if (addresses !== undefined) return { addresses, port };
  const name = bare === host ? readName(host) : undefined;
  return name === undefined ? undefined : { name, port };
}

/** One address, a CIDR block, or a range. */
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
    // A prefix that is too long, or a range whose end is before its start.
    return undefined;
  }
}

function readName(text: string): string | undefined {
  const name = plainName(canonical(text.replace(/^\*?\./, "")));
  // A pattern, a part of an address and the like are no names.
  return /^[\w.-]+$/.test(name) && /[a-z_]/.test(name) ? name : undefined;
}

/** The form in which a target has the host; empty when none can have it. */
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

/** As names are compared: without a dot at either end, in small letters. */
function plainName(name: string): string {
  return name.replace(/^\.|\.$/g, "").toLowerCase();
}

function warn(text: string): void {
  warnOnce(
    `NO_PROXY: ${show(redact(text))} matches no target; write a name, which stands for its subdomains too, an IP ` +
      "address, a CIDR block or a range of IPv4 addresses, with or without :port, or * alone for everything",
  );
}
