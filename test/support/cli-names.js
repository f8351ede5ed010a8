/** Preloaded where a test runs the command: resolves the names in `CLI_NAMES` to addresses on loopback. */
import dns from "node:dns";
import { syncBuiltinESMExports } from "node:module";
import { isIPv6 } from "node:net";

const names = JSON.parse(process.env.CLI_NAMES ?? "{}");
const lookup = dns.lookup;
dns.lookup = (hostname, options, callback) => {
  const addresses = names[hostname];
  if (addresses === undefined) return lookup(hostname, options, callback);
  const all = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
  const wanted = all.filter(({ family }) => !options.family || options.family === family);
  const error =
    wanted.length === 0 ? Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: "ENOTFOUND" }) : null;
  queueMicrotask(() => callback(error, wanted));
};
syncBuiltinESMExports();
