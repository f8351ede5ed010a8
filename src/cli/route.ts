import type { Socket } from "node:net";
import type { Dialer, Middleware } from "../core/dialer.ts";
import { dialerOfProxy, environmentProxy } from "../dialers/proxy-from-environment.ts";
import { parseProxy } from "../dialers/proxy-url.ts";
import type { Lookup } from "../dialers/resolve.ts";
import { tcp } from "../dialers/tcp.ts";
import { tls } from "../dialers/tls.ts";
import type { TlsDialerOptions } from "../dialers/tls-options.ts";
import { compose } from "../engine/compose.ts";
import { describe } from "../engine/describe.ts";
import { withTimeout } from "../middleware/timeout.ts";
import { withRetry } from "../retry/with-retry.ts";
import { messageOf } from "../support/message.ts";
import type { SentSecrets } from "../support/sent-secrets.ts";
import type { CliTarget } from "./cli-target.ts";
import type { Settings, TlsSettings } from "./settings.ts";
import { UsageError } from "./usage-error.ts";

/** How one target is dialed. */
export interface Route {
  /** Dials the target as an application would. */
  readonly dial: Dialer<Socket>;
  /** Describes the layers of `dial`, without its observers. */
  readonly description: string;
  /** Dials the target and accepts any certificate, to read it. Sends no client certificate. */
  readonly dialUnverified: Dialer<Socket>;
  /** The proxy's scheme, host and port, without credentials; `undefined` for a direct dial. */
  readonly proxy: string | undefined;
}

/** The environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the dialers of a target share with their caller. */
export interface Shared {
  readonly env: Environment;
  /** Receives the proxy's credentials. */
  readonly secrets: SentSecrets;
  readonly lookup: Lookup;
}

/** Protocols to offer to an HTTPS server; the request is written as HTTP/1.1. */
const httpProtocols = ["http/1.1"];

/**
 * Builds the dialers of one target: a timeout and retries over TLS, a proxy and TCP, as far as the target needs them.
 *
 * @param observers - outermost layers.
 * @throws UsageError if the proxy's URL cannot be used.
 */
export function routeOf(
  each: CliTarget,
  settings: Settings,
  { env, secrets, lookup }: Shared,
  observers: readonly Middleware[] = [],
): Route {
  const { timeoutMs, maxAttempts, family } = settings;
  const url = proxyUrl(each, settings, env);
  const proxy = url === undefined ? undefined : readProxy(url, secrets);
  const direct = tcp({ family, lookup });
  const under = url === undefined ? direct : dialerOfProxy(url, direct);
  const base = overTls(each, settings, under, tlsOptions(settings.tls));
  const unverified = overTls(each, settings, under, unverifiedOptions(settings.tls));
  const layers = [withTimeout({ timeoutMs }), withRetry({ maxAttempts })] as const;
  return {
    dial: compose(...observers, ...layers, base),
    description: String(describe(compose(...layers, base))),
    dialUnverified: compose(withTimeout({ timeoutMs }), unverified),
    proxy,
  };
}

/**
 * Builds the TLS of a target, if it begins with TLS.
 *
 * @throws UsageError naming the option that cannot be used.
 */
function overTls(
  each: CliTarget,
  settings: Settings,
  under: Dialer<Socket>,
  options: TlsDialerOptions,
): Dialer<Socket> {
  const { protocol } = each;
  const speaksTls = protocol === "tls" || protocol === "https";
  // A nats:// server may ask for TLS: its options are checked, too.
  if (!speaksTls && protocol !== "nats") return under;
  const alpnProtocols = protocol === "https" ? httpProtocols : settings.tls.alpn;
  const all = { ...options, handshakeTimeoutMs: settings.timeoutMs, ...(alpnProtocols && { alpnProtocols }) };
  try {
    const secured = tls(all, under) as unknown as Dialer<Socket>;
    return speaksTls ? secured : under;
  } catch (error) {
    throw new UsageError(messageOf(error).replace(/^tls: (\w+)/, (_, name: string) => optionOf[name] ?? name));
  }
}

/** The options of the command line that become options of `tls()`. */
const optionOf: Readonly<Record<string, string>> = {
  serverName: "--servername",
  alpnProtocols: "--alpn",
  caFile: "--ca",
  certFile: "--cert",
  keyFile: "--key",
};

/** Options of `tls()` without session resumption: a resumed session shows no certificates. */
export function tlsOptions({ caFile, certFile, keyFile, serverName }: TlsSettings): TlsDialerOptions {
  return { caFile, certFile, keyFile, serverName, sessionCache: false };
}

function unverifiedOptions({ serverName }: TlsSettings): TlsDialerOptions {
  return { serverName, sessionCache: false, rejectUnauthorized: false };
}

function proxyUrl(each: CliTarget, settings: Settings, env: Environment): string | undefined {
  if (settings.ignoresEnvironment || each.target.path !== undefined) return undefined;
  if (settings.proxy !== undefined) return settings.proxy;
  const found = environmentProxy(env, each.protocol);
  return found?.isFor(each.target) ? found.url : undefined;
}

function readProxy(url: string, secrets: SentSecrets): string {
  try {
    const withScheme = url.includes("://") ? url : `http://${url}`;
    const { scheme, target, auth } = parseProxy("--proxy", withScheme, ["http", "https", "socks5", "socks5h"]);
    if (auth !== undefined) secrets.add([auth.password], [auth.username]);
    return `${scheme}://${target}`;
  } catch (error) {
    throw new UsageError(messageOf(error).replace("--proxy: proxy", "the proxy's URL"));
  }
}
