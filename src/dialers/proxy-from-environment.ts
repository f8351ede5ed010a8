import type { Socket } from "node:net";
import type { Dialer } from "../core/dialer.ts";
import { dialerOf, runOf } from "../engine/context.ts";
import { placesOf } from "../engine/layer-info.ts";
import { markFactories } from "../support/roles.ts";
import { checkDialer, checkOptions, invalid, show, showKind } from "../support/validate.ts";
import { httpProxy } from "./http-proxy.ts";
import { noProxy } from "./no-proxy.ts";
import { socksProxy } from "./socks-proxy.ts";
import { tcp } from "./tcp.ts";

export interface ProxyFromEnvironmentOptions {
  /** The variables. @defaultValue `process.env`, read at construction */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** What the target speaks; its variable comes before `ALL_PROXY`. @defaultValue `"https"`, hence `HTTPS_PROXY` */
  scheme?: string | undefined;
}

/**
 * Dials through the proxy that the environment names, as curl does: `HTTPS_PROXY`, else `ALL_PROXY`,
 * but for the targets of `NO_PROXY`, which may also be written as undici and Node's `http` have them:
 * `*.example.com`, `example.com:8080`, `10.0.0.1-10.0.0.9`. The small-letter form of a variable comes first; `HTTP_PROXY` has
 * only that form, for a web server may set the other by a request's header.
 *
 * An entry of `NO_PROXY` that can match no target is warned of, once in a process.
 *
 * @param direct - dials where no proxy is wanted. @defaultValue `tcp()`
 * @throws TypeError at construction, naming the variable's proxy, with any userinfo blanked, when it can't be used.
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
    throw invalid(TypeError, `proxyFromEnvironment: scheme must be one in small letters, got ${show(scheme)}`);
  }
  const read = (name: string) =>
    env[name] || (name === "http_proxy" ? undefined : env[name.toUpperCase()]) || undefined;
  const url = read(`${scheme}_proxy`) ?? read("all_proxy");
  if (url === undefined) return direct;

  const isDirect = noProxy(read("no_proxy") ?? "");
  const [dialDirect, dialProxy] = [runOf(direct), runOf(proxyOf(url))];
  return dialerOf(function environmentDialer(target, context) {
    const run = target.path !== undefined || isDirect(target.host, target.port) ? dialDirect : dialProxy;
    return run(target, context);
  }, placesOf(direct));
}

markFactories({ proxyFromEnvironment });

function proxyOf(url: string): Dialer<Socket> {
  // curl takes a proxy without a scheme for an HTTP one.
  const proxy = url.includes("://") ? url : `http://${url}`;
  return /^socks/i.test(proxy) ? socksProxy({ proxy }) : httpProxy({ proxy });
}
