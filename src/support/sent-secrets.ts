/** Maximum length of a text to search. At most 1 kB of a text is shown. */
const maxText = 8192;

/** Shorter secrets are blanked only as whole words: otherwise a password `a` would blank every a. */
const shortLength = 4;

/** Minimum length of a prefix that counts as the start of a secret; at the end of a text a shorter one does. */
const beginningLength = 8;
const lastLength = 6;

/** Maximum number of values per object that differ for each connection, oldest dropped first. */
const maxPassing = 32;

const blank = "***";
const withheld = "(withheld: it repeats credentials)";

/** Matches text that repeats credentials, in which user names are blanked too. */
const credentialLine = /\bCONNECT\b|\bauthorization:|["'](user|pass|auth_token|jwt|sig|nkey)\b/i;

/**
 * Credentials sent to a peer, to be blanked in text from that peer: a server may repeat the line with the password,
 * and a proxy may repeat the header, in any encoding.
 */
export class SentSecrets {
  readonly #secrets = new Writings();
  readonly #names = new Writings();

  /**
   * Adds secrets. Ignores `undefined` and empty strings.
   *
   * @param names - user names. They are blanked only in text that repeats credentials: elsewhere the same word may
   * be a subject or a host.
   */
  add(secrets: readonly unknown[], names: readonly unknown[] = []): this {
    this.#secrets.add(secrets);
    this.#names.add(names);
    return this;
  }

  /** Adds secrets that differ for each connection, such as signatures. Only the latest of them are kept. */
  addPassing(secrets: readonly unknown[]): this {
    this.#secrets.add(secrets, true);
    return this;
  }

  /**
   * Blanks plain and escaped secrets in `text`. Withholds the whole text if it has only the start of a secret, or has a
   * secret only after decoding (base64, hexadecimal, percent-encoding, escapes, also nested).
   */
  readonly blankIn = (text: string): string => {
    if (this.#secrets.isEmpty && this.#names.isEmpty) return text;
    const head = text.slice(0, maxText);
    let shown = this.#secrets.blankIn(head);
    if (shown !== head || credentialLine.test(head)) shown = this.#names.blankIn(shown);
    for (const view of [shown, ...decodedViews(shown)]) {
      if (this.#secrets.isIn(view) || (credentialLine.test(view) && this.#names.isIn(view))) return withheld;
    }
    return shown;
  };
}

/** A set of secrets in their usual encodings. */
class Writings {
  readonly #texts = new Set<string>();
  /** The secrets that only the latest connections have sent. */
  readonly #passing = new Set<string>();
  #compiled: { readonly pattern: RegExp; readonly beginnings: readonly string[] } | undefined;

  get isEmpty(): boolean {
    return this.#texts.size === 0;
  }

  add(texts: readonly unknown[], arePassing = false): void {
    for (const text of texts) {
      if (typeof text !== "string" || text === "") continue;
      const isLasting = this.#texts.has(text) && !this.#passing.has(text);
      // Deleted first: one that is sent again becomes the latest.
      this.#passing.delete(text);
      if (arePassing && !isLasting) this.#passing.add(text);
      if (this.#texts.has(text)) continue;
      this.#texts.add(text);
      this.#compiled = undefined;
      this.#dropOldest();
    }
  }

  #dropOldest(): void {
    const [oldest] = this.#passing;
    if (oldest === undefined || this.#passing.size <= maxPassing) return;
    this.#passing.delete(oldest);
    this.#texts.delete(oldest);
  }

  blankIn(text: string): string {
    return this.isEmpty ? text : text.replace(this.#compile().pattern, blank);
  }

  /** Whether `text` contains a secret or the start of one. */
  isIn(text: string): boolean {
    if (this.isEmpty || text === "") return false;
    const { pattern, beginnings } = this.#compile();
    return text.search(pattern) >= 0 || beginnings.some((each) => beginsIn(text, each));
  }

  #compile() {
    if (this.#compiled === undefined) {
      const writings = [...new Set([...this.#texts].flatMap(writingsOf))];
      // Longest first, because a secret may contain another.
      const parts = writings.sort((a, b) => b.length - a.length).map(partOf);
      const long = writings.filter(({ length }) => length > lastLength).map((each) => each.slice(0, beginningLength));
      this.#compiled = { pattern: new RegExp(parts.join("|"), "gi"), beginnings: [...new Set(long)] };
    }
    return this.#compiled;
  }
}

function partOf(writing: string): string {
  const literal = writing.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  return writing.length < shortLength ? `(?<!\\w)${literal}(?!\\w)` : literal;
}

/** Returns a secret as is, escaped as in JSON or a URL, and in base64. */
function writingsOf(text: string): string[] {
  const bytes = Buffer.from(text);
  const json = JSON.stringify(text).slice(1, -1);
  const base64 = bytes.toString("base64").replace(/=+$/, "");
  // UTF-8 replaces lone surrogates, which a URL cannot encode.
  const wellFormed = bytes.toString();
  return [text, json, json.replaceAll("/", "\\/"), encodeURIComponent(wellFormed), encodeURI(wellFormed), base64];
}

/** Whether `text` contains the start of a secret: a peer may truncate it. */
function beginsIn(text: string, beginning: string): boolean {
  if (beginning.length === beginningLength && text.includes(beginning)) return true;
  const end = /[\w/+=.-]*[^\w/+=.-]*$/.exec(text.slice(-64))?.[0] ?? "";
  const word = end.replace(/[^\w/+=.-]*$/, "");
  for (let length = lastLength; length < beginning.length; length += 1) {
    if (word.endsWith(beginning.slice(0, length))) return true;
  }
  return false;
}

/** Returns the results of decoding `text` once and twice. */
function decodedViews(text: string): Set<string> {
  const views = new Set(decodings(text));
  for (const view of [...views]) for (const next of decodings(view)) views.add(next);
  views.delete(text);
  return views;
}

/** Returns `text` in each decoding. Base64 is decoded at each offset, because text before it may look like base64. */
function decodings(text: string): string[] {
  const decoded = [percentDecoded(text), unescaped(text)];
  const runs = text.match(/[\w+/-]{12,}/g) ?? [];
  for (const offset of [0, 1, 2, 3]) decoded.push(legible(runs.map((run) => Buffer.from(run.slice(offset), "base64"))));
  decoded.push(legible((text.match(/(?:[\da-f]{2}){4,}/gi) ?? []).map((run) => Buffer.from(run, "hex"))));
  return decoded;
}

/** Joins the decoded runs that contain readable text; most text is not base64 and decodes to noise. */
function legible(decoded: readonly Buffer[]): string {
  return decoded
    .map((bytes) => bytes.toString())
    .filter((text) => /[ -~]{4}/.test(text))
    .join("\n");
}

function percentDecoded(text: string): string {
  return text.replace(/(?:%[\da-f]{2})+/gi, (run) => Buffer.from(run.replaceAll("%", ""), "hex").toString());
}

function unescaped(text: string): string {
  return text.replace(
    /\\u\{([\da-f]{1,6})\}|\\(?:u([\da-f]{4})|x([\da-f]{2}))|\\(.)/gis,
    (_, ...[braced, wide, narrow, other]: (string | undefined)[]) => {
      if (other !== undefined) return other;
      const code = Number.parseInt(braced ?? wide ?? narrow ?? "0", 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : "";
    },
  );
}

/** Stored on the connection itself, because a `WeakMap` is expensive to garbage-collect. */
const sentKey: unique symbol = Symbol("dialtrace.sentSecrets");

interface Sent {
  [sentKey]?: readonly SentSecrets[];
}

/** Adds secrets sent on `conn` to those already recorded for it. */
export function noteSecrets(conn: object, ...secrets: readonly SentSecrets[]): void {
  const noted = (conn as Sent)[sentKey] ?? [];
  if (secrets.length > 0) (conn as Sent)[sentKey] = [...noted, ...secrets];
}

/** Copies the secrets sent on the underlying connection to `conn`. */
export function inheritSecrets(conn: object, beneath: object): void {
  noteSecrets(conn, ...((beneath as Sent)[sentKey] ?? []));
}

/** Returns a function that blanks the secrets sent on `conn`, or `undefined` if none were sent. */
export function blankerOf(conn: object): ((text: string) => string) | undefined {
  const noted = (conn as Sent)[sentKey];
  return noted && ((text) => noted.reduce((blanked, secrets) => secrets.blankIn(blanked), text));
}
