/** A user's seed: its key type, then the key and a checksum in base32. */
const seedPattern = /^SU[A-Z2-7]{56}$/;

/** A JWT: three parts in base64url. The first encodes a JSON object. */
const jwtPattern = /^ey[\w-]+=*\.[\w-]+=*\.[\w-]+=*$/;

/** Content of a credentials file. A field is missing if the file is incomplete. */
export interface CredentialsFile {
  readonly jwt: string | undefined;
  readonly seed: string | undefined;
}

/**
 * Reads a `.creds` file or the file of an nkey seed, decorated or bare. The JWT and the seed are recognized by their form,
 * each on its own line. Decoration, comments, indentation, line ends and a byte order mark are ignored. As in Go's nkeys,
 * the first of each counts.
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

/** Whether `text` contains a secret or the content of a credentials file rather than a path. */
export function isSecret(text: string): boolean {
  return /S[AOU][A-Z2-7]{56}|^\s*-{3,}|-{3,}\s*BEGIN|\beyJ[\w-]{8,}\.[\w-]+\.|[\r\n]/.test(text);
}

/** Decodes UTF-8, or UTF-16 with a byte order mark as Windows editors write it. */
function decode(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  return new TextDecoder().decode(bytes);
}
