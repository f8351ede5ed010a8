/**
 * Preloaded where a test runs the command: resolves the names in `CLI_NAMES` to addresses. An address such as `::1@400`
 * is answered after 400 ms.
 */
import dns from "node:dns";
import { syncBuiltinESMExports } from "node:module";
import { isIPv6 } from "node:net";

const names = JSON.parse(process.env.CLI_NAMES ?? "{}");
const lookup = dns.lookup;
dns.lookup = (hostname, options, callback) => {
  const addresses = names[hostname];
  if (addresses === undefined) return lookup(hostname, options, callback);
  const all = addresses.map((each) => {
    const [address, afterMs = "0"] = each.split("@");
    return { address, family: isIPv6(address) ? 6 : 4, afterMs: Number(afterMs) };
  });
  const wanted = all.filter(({ family }) => !options.family || options.family === family);
  const missing = Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: "ENOTFOUND" });
  const error = wanted.length === 0 ? missing : null;
  setTimeout(callback, Math.max(0, ...wanted.map(({ afterMs }) => afterMs)), error, wanted);
};
syncBuiltinESMExports();
