import type { Socket } from "node:net";
import type { Dialer } from "../core/dialer.ts";
import type { Target } from "../core/target.ts";
import { dialerOf, runOf } from "../engine/context.ts";
import { baseLayer } from "../engine/layer-info.ts";
import type { CostOf } from "../engine/worst-case.ts";
import { markFactories } from "../support/roles.ts";
import { checkDialer, checkOptions, invalid, show, showKind } from "../support/validate.ts";
import { httpProxy } from "./http-proxy.ts";
import { noProxy } from "./no-proxy.ts";
import { socksProxy } from "./socks-proxy.ts";
import { tcp } from "./tcp.ts";

/** Options of {@link proxyFromEnvironment}. */
export interface ProxyFromEnvironmentOptions {
  /** The environment variables, read at construction. @defaultValue `process.env` */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Protocol of the targets, in lower case: `<scheme>_PROXY` takes precedence over `ALL_PROXY`. @defaultValue `"https"` */
  scheme?: string | undefined;
}

/**
 * Dials through the proxy named by the environment, like curl: `HTTPS_PROXY`, or `ALL_PROXY` if that is not set. Targets
 * in `NO_PROXY` are dialed directly; its entries may also have the forms of undici and Node's `http`: `*.example.com`,
 * `example.com:8080`, `10.0.0.1-10.0.0.9`. The lower-case form of a variable takes precedence. `HTTP_PROXY` is read in
 * lower case only, because a CGI server sets `HTTP_PROXY` from a request header.
 *
 * An entry of `NO_PROXY` that can match no target emits one warning per process.
 *
 * @param direct - dials targets without a proxy. @defaultValue `tcp()`
 * @throws TypeError at construction when the proxy's URL cannot be used; the message shows it without its userinfo.
 * @see https://curl.se/docs/manpage.html#ENVIRONMENT
 */
export function proxyFromEnvironment(
  options: ProxyFromEnvironmentOptions = {},
  direct: Dialer<Socket> = tcp(),
): Dialer<Socket> {
  checkOptions("proxyFromEnvironment", options, { env: true, scheme: true });
  checkDialer("proxyFromEnvironment: direct", direct);
  const { env = process.env, scheme = "https" } = options;
  if (typeof env !== "object" || env === null) {
    throw invalid(TypeError, `proxyFromEnvironment: env must be an object, got ${showKind(env)}`);
  }
  if (typeof scheme !== "string" || !/^[a-z][a-z\d+.-]*$/.test(scheme)) {
    throw invalid(TypeError, `proxyFromEnvironment: scheme must be a URL scheme in lower case, got ${show(scheme)}`);
  }
  const proxy = environmentProxy(env, scheme);
  if (proxy === undefined) return direct;

  const traits = {
    factory: "proxyFromEnvironment",
    worstCase: (beneath: CostOf, withinMs: number) => beneath(withinMs),
  };
  const proxied = dialerOfProxy(proxy.url);
  const [dialDirect, dialProxy] = [runOf(direct), runOf(proxied)];
  return dialerOf(
    function environmentDialer(target, context) {
      const run = proxy.isFor(target) ? dialProxy : dialDirect;
      return run(target, context);
    },
    baseLayer(traits, direct, proxied),
  );
}

markFactories({ proxyFromEnvironment });

/** The proxy that the environment names. */
export interface EnvironmentProxy {
  /** May contain credentials. */
  readonly url: string;
  /** Whether the proxy is used for a target: not for unix sockets and targets in `NO_PROXY`. */
  isFor(target: Target): boolean;
}

/** Returns the proxy for targets of a scheme, `undefined` if the environment names none. */
export function environmentProxy(
  env: Readonly<Record<string, string | undefined>>,
  scheme: string,
): EnvironmentProxy | undefined {
  const read = (name: string) =>
    env[name] || (name === "http_proxy" ? undefined : env[name.toUpperCase()]) || undefined;
  const url = read(`${scheme}_proxy`) ?? read("all_proxy");
  if (url === undefined) return undefined;
  const isDirect = noProxy(read("no_proxy") ?? "");
  return { url, isFor: ({ path, host, port }) => path === undefined && !isDirect(host, port) };
}

/**
 * Returns the dialer of a proxy. Like curl, it treats a proxy without a scheme as an HTTP proxy.
 *
 * @param over - dials the proxy, unless it is an `https://` one. @defaultValue `tcp()`
 */
export function dialerOfProxy(url: string, over: Dialer<Socket> = tcp()): Dialer<Socket> {
  const proxy = url.includes("://") ? url : `http://${url}`;
  if (/^socks/i.test(proxy)) return socksProxy({ proxy }, over);
  return httpProxy({ proxy }, /^https:/i.test(proxy) ? undefined : over);
}
