import { BlockList, isIP } from "node:net";

/**
 * Reads `NO_PROXY` as curl does: names match themselves and their subdomains, a leading dot is
 * ignored, addresses and CIDR blocks match addresses, with brackets or without, and a lone `*` matches
 * everything.
 *
 * @returns whether a host is to be dialed without a proxy.
 * @see https://curl.se/docs/manpage.html#--noproxy
 */
export function noProxy(list: string): (host: string) => boolean {
  const entries = list.split(/[\s,]+/).filter((entry) => entry !== "");
  if (list.trim() === "*") return () => true;

  const names: string[] = [];
  const addresses = new BlockList();
  for (const entry of entries) {
    const [address = "", prefix] = entry.replace(/^\[(.*)\]$/, "$1").split("/");
    const version = address.includes("%") ? 0 : isIP(address);
    if (version === 0) names.push(plainName(entry));
    else addBlock(addresses, address, version === 6 ? "ipv6" : "ipv4", prefix);
  }
  return (host) => {
    const version = isIP(host);
    // Without the zone of a link-local address.
    if (version !== 0) return addresses.check(host.split("%", 1)[0] as string, version === 6 ? "ipv6" : "ipv4");
    const name = plainName(host);
    return names.some((each) => name === each || name.endsWith(`.${each}`));
  };
}

function addBlock(addresses: BlockList, address: string, family: "ipv4" | "ipv6", prefix: string | undefined): void {
  if (prefix === undefined) {
    addresses.addAddress(address, family);
    return;
  }
  const bits = Number(prefix);
  if (/^\d+$/.test(prefix) && bits <= (family === "ipv6" ? 128 : 32)) addresses.addSubnet(address, bits, family);
}

/** As names are compared: without a dot at either end, in small letters. */
function plainName(name: string): string {
  return name.replace(/^\.|\.$/g, "").toLowerCase();
}
