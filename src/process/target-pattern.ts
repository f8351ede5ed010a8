import type { Target } from "../core/target.ts";

/** Whether a target matches. */
export type TargetMatch = (target: Target) => boolean;

/**
 * Reads a pattern of targets: `host:port`, `host` for any port, or `:port` for any host. A `*` is any text, such as
 * `*.internal:5432`. A unix socket is `unix:/path`.
 *
 * @returns `undefined` if the pattern is empty.
 */
export function readPattern(pattern: string): TargetMatch | undefined {
  if (pattern === "") return undefined;
  const anyPort = !/:(\d+|\*)$/.test(pattern) && !pattern.startsWith("unix:");
  const whole = `${pattern.startsWith(":") ? "*" : ""}${pattern}${anyPort ? ":*" : ""}`;
  const expression = new RegExp(`^${whole.split("*").map(escaped).join(".*")}$`, "i");
  return (target) => expression.test(String(target));
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
