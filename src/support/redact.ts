/**
 * Blanks possible secrets in a target: the text between the scheme and the last `@`, and the text after a `?` or
 * `#`. Broader than RFC 3986 on purpose, because it is applied to text that is not a valid URL.
 */
export function redact(target: string): string {
  const at = target.lastIndexOf("@");
  if (at < 0) return withoutQuery(target);
  const scheme = /^[a-z][a-z\d+.-]*:\/\//i.exec(target)?.[0] ?? "";
  // If the @ is in the value of a query, the text after it is the rest of a secret, not a host.
  if (/[?#&][^=@]*=/.test(target.slice(0, at))) return `${scheme}***`;
  return withoutQuery(`${scheme}***${target.slice(at)}`);
}

function withoutQuery(target: string): string {
  return target.replace(/([?#]).+$/s, "$1***");
}
