import { parseTarget, type Target } from "../core/target.ts";
import { readUserinfo, type Userinfo } from "../nats/servers.ts";
import { messageOf } from "../support/message.ts";
import { printable } from "../support/printable.ts";
import { UsageError } from "./usage-error.ts";

/** Protocol used with a target after the connect. */
export type Protocol = "tcp" | "tls" | "http" | "https" | "nats";

/** One target of the command line. */
export interface CliTarget {
  readonly protocol: Protocol;
  /** The target as it is printed: without userinfo, query and fragment. */
  readonly text: string;
  readonly target: Target;
  /** Path and query of an HTTP request; otherwise empty. */
  readonly path: string;
  /** Credentials in the target's URL. */
  readonly userinfo: Userinfo | undefined;
}

/** Schemes of protocols that begin with TLS. */
const overTls: ReadonlySet<string> = new Set(["tls", "amqps", "mqtts", "rediss", "wss"]);

/** Schemes that are the name of their protocol. */
const spoken: ReadonlySet<string> = new Set(["tcp", "http", "https", "nats"]);

/**
 * Reads a target: any form of `parseTarget`, and `tls://host` with the default port 443.
 *
 * @throws UsageError naming the target, with any userinfo blanked.
 */
export function readTarget(text: string): CliTarget {
  const scheme = /^([a-z][a-z\d+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  const protocol = protocolOf(scheme);
  try {
    const target = parseTarget(scheme === "tls" ? text.replace(/^tls/i, "https") : text);
    const path = protocol === "http" || protocol === "https" ? pathOf(text) : "";
    const shownPath = path.split("?", 1)[0] ?? "";
    const prefix = scheme === undefined || target.path !== undefined ? "" : `${scheme}://`;
    const suffix = shownPath === "/" ? "" : printable(shownPath, 200);
    const userinfo = target.path === undefined ? readUserinfo(text) : undefined;
    return { protocol, text: `${prefix}${target}${suffix}`, target, path, userinfo };
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

function protocolOf(scheme: string | undefined): Protocol {
  if (scheme === undefined) return "tcp";
  if (spoken.has(scheme)) return scheme as Protocol;
  return overTls.has(scheme) ? "tls" : "tcp";
}

/** Returns the path and query of a URL, percent-encoded. `parseTarget` has accepted its authority. */
function pathOf(text: string): string {
  const rest = text.slice(text.indexOf("://") + 3);
  const start = rest.search(/[/?#]/);
  // Not relative to a base: a path that begins with two slashes would name another host.
  const { pathname, search } = new URL(`http://localhost${start < 0 ? "" : rest.slice(start)}`);
  return `${pathname}${search}`;
}
