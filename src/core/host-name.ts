import { isIPv4, isIPv6 } from "node:net";

/** Octets of a name in the DNS, without the dot at its end (RFC 1035, section 2.3.4). */
const maxNameOctets = 253;
/** Octets of a label in the DNS. */
const maxLabelOctets = 63;
/** UTF-16 code units of a name that is worth converting: more can't fit into 253 octets. */
const maxUnits = 1024;

/** Printable ASCII, but for the characters that delimit a host in a URL and the percent sign. */
const plainName = /^[!"$&-.\d;->A-Z^-~]+$/;
/** The same beyond ASCII: what no mapping may see, as it would end the host at some of these characters. */
const convertible = /^[^\s/\\?#@[\]:%\p{Cc}\p{Cf}\p{Cs}]+$/u;
/** An IPv4 address as `inet_aton` reads it: one to four numbers, decimal, octal or hexadecimal. */
const numbers = /^(?:0x[\da-f]+|\d+)(?:\.(?:0x[\da-f]+|\d+)){0,3}$/i;

/**
 * Converts a host to the form in which it is resolved, sent and compared: an ASCII name stays as it is,
 * any other name becomes its A-labels, an IP address stays. An IPv4 address that is written in
 * another way (`127.1`, `0x7f.0.0.1`, `2130706433`) becomes the address that the system would resolve it
 * to, so that TLS, a proxy and `NO_PROXY` mean that address, too.
 *
 * @throws what `refused` returns for a host that is no name and no IP address, or that the DNS can't hold.
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

/** Spares most names the regular expression, as targets are parsed at each dial. */
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

/** What is no address after all, such as `256.1.1.1`, may still be a name in /etc/hosts. */
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
    throw refused(
      `the host is not a name or an IP address: it has ${length} octets, a name has ${maxNameOctets} at most`,
    );
  }
  for (const label of name.slice(0, length).split(".")) {
    if (label === "") throw refused("the host is not a name: it has an empty label");
    if (label.length > maxLabelOctets) {
      throw refused(`the host is not a name: it has a label of ${label.length} octets, ${maxLabelOctets} is the most`);
    }
  }
}
