import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Dialer } from "../core/dialer.ts";
import type { Target } from "../core/target.ts";
import type { ProxyAuth } from "../dialers/proxy-url.ts";
import { checkAuth } from "../dialers/proxy-url.ts";
import { compose } from "../engine/compose.ts";
import { markFactories } from "../support/roles.ts";
import { checkDialer, checkDuration, checkFunction, checkOptions, invalid } from "../support/validate.ts";
import type { BridgeErrorListener } from "./client-connection.ts";
import { Gate } from "./gate.ts";
import { proxyRequestReader } from "./proxy-request.ts";
import { type Bridge, startServer } from "./server.ts";

/** Options of {@link proxyServer}. */
export interface ProxyServerOptions<C extends Duplex = Socket> {
  /** Dials the targets that clients ask for. Required. */
  dialer: Dialer<C>;
  /**
   * Returns whether clients may connect to a target. The name of the target is not resolved, so admit known names
   * instead of refusing known addresses. A throw or any other result, also a promise, refuses the target and is warned of once.
   * @defaultValue all targets
   */
  allowTarget?: ((target: Target) => boolean) | undefined;
  /** Credentials that clients must send; never shown. Every user of this host can connect to a port of loopback. @defaultValue none */
  auth?: ProxyAuth | undefined;
  /**
   * Called with the error of each failed dial and each refused request, but not of a canceled dial. A throw is ignored,
   * with one warning per process. @defaultValue none
   */
  onError?: BridgeErrorListener | undefined;
  /** Milliseconds that a client has to send its request, 1 to 2^31-1. @defaultValue 10 000 */
  requestTimeoutMs?: number | undefined;
  /** As in {@link BridgeOptions}, in milliseconds. @defaultValue 60 000 */
  halfOpenTimeoutMs?: number | undefined;
}

/**
 * Creates a local proxy that dials the targets of its clients through a dialer. It speaks SOCKS5 and HTTP CONNECT on the
 * same port: the first byte of a client tells which. Names reach the dialer unresolved.
 *
 * A client whose dial fails gets a SOCKS reply code or an HTTP status that matches the reason.
 *
 * @throws RangeError or TypeError naming the option.
 * @example
 * await using proxy = await proxyServer({ dialer, allowTarget: ({ host }) => host.endsWith(".internal") }).listen();
 * const client = new MongoClient(url, { proxyHost: proxy.host, proxyPort: proxy.port });
 * @see https://www.rfc-editor.org/rfc/rfc1928
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6
 */
export function proxyServer<C extends Duplex = Socket>(options: ProxyServerOptions<C>): Bridge {
  checkOptions("proxyServer", options, {
    dialer: true,
    allowTarget: true,
    auth: true,
    onError: true,
    requestTimeoutMs: true,
    halfOpenTimeoutMs: true,
  });
  const { dialer, allowTarget, auth, onError, requestTimeoutMs = 10_000, halfOpenTimeoutMs = 60_000 } = options;
  checkDialer("proxyServer: dialer", dialer);
  if (allowTarget !== undefined) checkFunction("proxyServer: allowTarget", allowTarget);
  if (auth !== undefined) checkCredentials(auth);
  if (onError !== undefined) checkFunction("proxyServer: onError", onError);
  checkDuration("proxyServer: requestTimeoutMs", requestTimeoutMs);
  checkDuration("proxyServer: halfOpenTimeoutMs", halfOpenTimeoutMs);
  const readRequest = proxyRequestReader(new Gate(auth, allowTarget), requestTimeoutMs);
  const settings = { factory: "proxyServer", dialer: compose(dialer), readRequest, halfOpenTimeoutMs, onError };
  return { listen: (where = {}) => startServer(settings, where) };
}

markFactories({ proxyServer });

/** Both protocols must be able to send the credentials. */
function checkCredentials(auth: ProxyAuth): void {
  checkAuth("proxyServer", auth);
  const { username, password } = auth;
  if (username === "" || username.includes(":")) {
    throw invalid(TypeError, "proxyServer: auth: username must not be empty or contain a colon");
  }
  if (Buffer.byteLength(username) > 255)
    throw invalid(RangeError, "proxyServer: auth: username must have 1 to 255 bytes");
  const bytes = Buffer.byteLength(password);
  if (bytes < 1 || bytes > 255) throw invalid(RangeError, "proxyServer: auth: password must have 1 to 255 bytes");
}
