import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { resolve } from "node:path";
import { isLoopback } from "../support/loopback.ts";
import { maxPathBytes } from "../support/unix-path.ts";
import { checkOneOf, checkOptions, invalid, show } from "../support/validate.ts";

/** Options of {@link Bridge.listen}: a `path`, or a `host` and `port`. */
export interface BridgeListenOptions {
  /**
   * Path of a unix socket, at most 107 bytes on Linux. Its file has the mode 0600. A file that a killed process left
   * behind is replaced; a socket with a listener and any other file are refused. @defaultValue none
   */
  path?: string | undefined;
  /** Address or name of the interface to listen on. @defaultValue `"127.0.0.1"` */
  host?: string | undefined;
  /** TCP port, 0 to 65535; 0 chooses a free port. @defaultValue 0 */
  port?: number | undefined;
  /**
   * `"remote"` permits a `host` beyond loopback. Any host that reaches the port then connects with the rights of this
   * process. @defaultValue loopback only
   */
  allow?: "remote" | undefined;
}

/** Where a server listens. */
export type Place = { readonly path: string } | { readonly host: string; readonly port: number };

/**
 * Checks the options and resolves the host, so that its address is checked and not its name.
 *
 * @throws RangeError or TypeError if an option is invalid, or the host is beyond loopback without `allow`.
 */
export async function placeOf(factory: string, options: BridgeListenOptions): Promise<Place> {
  checkOptions(factory, options, { path: true, host: true, port: true, allow: true });
  const { path, host = "127.0.0.1", port = 0, allow } = options;
  if (allow !== undefined) checkOneOf(`${factory}: allow`, allow, ["remote"]);
  if (path !== undefined) return { path: checkPath(factory, path, options) };
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw invalid(RangeError, `${factory}: port must be a whole number from 0 to 65535, got ${show(port)}`);
  }
  if (typeof host !== "string" || host === "") {
    throw invalid(TypeError, `${factory}: host must be a name or an address, got ${show(host)}`);
  }
  const address = isIP(host) === 0 ? (await lookup(host)).address : host;
  if (allow === undefined && !isLoopback(address)) {
    throw invalid(
      TypeError,
      `${factory}: host must be a loopback address, got ${show(host)}; to admit other hosts, add allow: "remote"`,
    );
  }
  return { host: address, port };
}

function checkPath(factory: string, path: unknown, { host, port, allow }: BridgeListenOptions): string {
  if (host !== undefined || port !== undefined || allow !== undefined) {
    throw invalid(TypeError, `${factory}: path cannot be combined with host, port or allow`);
  }
  if (typeof path !== "string" || path === "" || path.includes("\0")) {
    throw invalid(TypeError, `${factory}: path must be the path of a file, got ${show(path)}`);
  }
  if (path.startsWith("@")) {
    const rule = "must not start with @, because a socket of the abstract namespace has no permissions";
    throw invalid(TypeError, `${factory}: path ${rule}, got ${show(path)}; for a file, start it with ./`);
  }
  const absolute = resolve(path);
  const bytes = Buffer.byteLength(absolute);
  if (bytes > maxPathBytes) {
    throw invalid(RangeError, `${factory}: path must have at most ${maxPathBytes} bytes when absolute, has ${bytes}`);
  }
  return absolute;
}
