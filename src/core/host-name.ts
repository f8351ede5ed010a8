import { isIPv4, isIPv6 } from "node:net";

/** Maximum length of a DNS name in octets, without the final dot (RFC 1035, section 2.3.4). */
const maxNameOctets = 253;
/** Maximum length of a DNS label in octets. */
const maxLabelOctets = 63;
/** Maximum length of a name to convert, in UTF-16 code units: a longer one cannot fit into 253 octets. */
const maxUnits = 1024;

/** Printable ASCII, except the percent sign and the characters that delimit a host in a URL. */
const plainName = /^[!"$&-.\d;->A-Z^-~]+$/;
/**
 * The same for other names. Checked before the conversion, because a URL's host would end at some of these characters.
 */
const convertible = /^[^\s/\\?#@[\]:%\p{Cc}\p{Cf}\p{Cs}]+$/u;
/** An IPv4 address as `inet_aton` reads it: one to four numbers, decimal, octal or hexadecimal. */
const numbers = /^(?:0x[\da-f]+|\d+)(?:\.(?:0x[\da-f]+|\d+)){0,3}$/i;

/**
 * Converts a host to the form in which it is resolved, sent and compared. ASCII names and IP addresses are returned
 * unchanged; any other name is converted to A-labels. An IPv4 address in another notation (`127.1`, `0x7f.0.0.1`,
 * `2130706433`) is converted to dotted decimal as the system's resolver does, so that TLS, proxies and `NO_PROXY` use
 * the same address.
 *
 * @throws the error that `refused` returns, for a host that is neither a name nor an IP address, or that DNS cannot
 * represent.
 * @see https://www.unicode.org/reports/tr46/
 */
export function canonicalHost(host: string, refused: (why: string) => Error): string {
  const name = asciiName(host);
  if (name === undefined) {
    if (host.length <= maxNameOctets && isIPv6(host)) return host;
    throw refused("the host is not a name or an IP address");
  }
  if (startsWithDigit(name) && numbers.test(name)) return ipv4Of(name);
  if (name.length > maxLabelOctets || name.startsWith(".") || name.includes("..")) checkLengths(name, refused);
  return name;
}

/** Avoids the regular expression for most names, because each dial parses its target. */
function startsWithDigit(name: string): boolean {
  const unit = name.charCodeAt(0);
  return unit >= 48 && unit <= 57;
}

function asciiName(host: string): string | undefined {
  if (plainName.test(host)) return host;
  if (host.length > maxUnits || !convertible.test(host)) return undefined;
  // Compatibility characters may have become delimiters.
  const name = hostOfUrl(host);
  return name !== undefined && plainName.test(name) ? name : undefined;
}

/**
 * Converts to dotted decimal. A name that only looks like an address, such as `256.1.1.1`, may be in /etc/hosts and is
 * returned unchanged.
 */
function ipv4Of(name: string): string {
  if (isIPv4(name)) return name;
  const address = hostOfUrl(name);
  return address !== undefined && isIPv4(address) ? address : name;
}

/** Converts a host as every URL does. Deno's `domainToASCII` converts no addresses, and accepts names that URLs do not. */
function hostOfUrl(host: string): string | undefined {
  const url = `ws://${host}`;
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

function checkLengths(name: string, refused: (why: string) => Error): void {
  const length = name.endsWith(".") ? name.length - 1 : name.length;
  if (length > maxNameOctets) {
    throw refused(`the host is not a name or an IP address: it has ${length} octets; the maximum is ${maxNameOctets}`);
  }
  for (const label of name.slice(0, length).split(".")) {
    if (label === "") throw refused("the host is not a name: it has an empty label");
    if (label.length > maxLabelOctets) {
      throw refused(
        `the host is not a name: it has a label of ${label.length} octets; the maximum is ${maxLabelOctets}`,
      );
    }
  }
}
