/** The userinfo of a URL, decoded. */
interface Userinfo {
  readonly username: string;
  /** `undefined` without a colon. */
  readonly password: string | undefined;
}

/**
 * Reads the userinfo of a URL: the part before the `@`. The first colon ends the username. Text that is not
 * percent-encoded correctly is taken as it is, because passwords are often not encoded.
 *
 * @see https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1
 */
export function parseUserinfo(text: string): Userinfo {
  const colon = text.indexOf(":");
  if (colon < 0) return { username: decode(text), password: undefined };
  return { username: decode(text.slice(0, colon)), password: decode(text.slice(colon + 1)) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
