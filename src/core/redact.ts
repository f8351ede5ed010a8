/**
 * Blanks what may be userinfo in a target: all that stands before its last `@`, but for the scheme.
 * Wider than RFC 3986 on purpose, for it is applied to text that is no valid URL.
 */
export function redact(target: string): string {
  const at = target.lastIndexOf("@");
  if (at < 0) return target;
  const scheme = /^[a-z][a-z\d+.-]*:\/\//i.exec(target)?.[0] ?? "";
  return `${scheme}***${target.slice(at)}`;
}
