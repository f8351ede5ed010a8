/**
 * Blanks what may be a secret in a target: what stands before its last `@`, but for the scheme, and what follows
 * a `?` or `#`. Wider than RFC 3986 on purpose, for it is applied to text that is no valid URL.
 */
export function redact(target: string): string {
  const at = target.lastIndexOf("@");
  if (at < 0) return withoutQuery(target);
  const scheme = /^[a-z][a-z\d+.-]*:\/\//i.exec(target)?.[0] ?? "";
  // The @ of a query's value: what follows it is no host then, but the rest of a secret.
  if (/[?#&][^=@]*=/.test(target.slice(0, at))) return `${scheme}***`;
  return withoutQuery(`${scheme}***${target.slice(at)}`);
}

function withoutQuery(target: string): string {
  return target.replace(/([?#]).+$/s, "$1***");
}
