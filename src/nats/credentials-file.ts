/** A user's seed: its key type, then the key and a checksum in base32. */
const seedPattern = /^SU[A-Z2-7]{56}$/;

/** A JWT: three parts in base64url, the first of which encodes a JSON object. */
const jwtPattern = /^ey[\w-]+=*\.[\w-]+=*\.[\w-]+=*$/;

/** What a credentials file holds. Fields are missing where the file is cut short. */
export interface CredentialsFile {
  readonly jwt: string | undefined;
  readonly seed: string | undefined;
}

/**
 * Reads a `.creds` file or the file of an nkey seed, decorated or bare. The JWT and the seed are found by
 * their form, each on a line of its own: decoration, comments, indentation, any line ends and a byte order
 * mark do not matter. As in Go's nkeys, the first of each counts.
 *
 * @see https://pkg.go.dev/github.com/nats-io/nkeys#ParseDecoratedNKey
 */
export function readCredentialsFile(bytes: Uint8Array): CredentialsFile {
  const lines = decode(bytes)
    .split(/[\r\n]+/)
    .map((line) => line.trim());
  return {
    jwt: lines.find((line) => jwtPattern.test(line)),
    seed: lines.find((line) => seedPattern.test(line)),
  };
}

/** Whether `text` holds a secret or is the content of a credentials file, and not the path of one. */
export function isSecret(text: string): boolean {
  return /S[AOU][A-Z2-7]{56}|^\s*-{3,}|-{3,}\s*BEGIN|\beyJ[\w-]{8,}\.[\w-]+\.|[\r\n]/.test(text);
}

/** Editors of Windows write UTF-16, and say so by the byte order mark. */
function decode(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  return new TextDecoder().decode(bytes);
}
