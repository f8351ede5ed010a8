/** Longest text that is looked through; no more than 1 kB of it is shown. */
const maxText = 8192;

/** Writings shorter than this are blanked only where they stand alone: else a password `a` would blank each a. */
const shortLength = 4;

/** Least part of a secret that is told as its beginning; at the end of a text less is enough. */
const beginningLength = 8;
const lastLength = 6;

/** Values that one object remembers: signatures differ with each connection. The oldest is forgotten. */
const maxSecrets = 32;

const blank = "***";
const withheld = "(withheld: it repeats credentials)";

/** What a text holds that repeats a line with credentials: names are blanked in it, too. */
const credentialLine = /\bCONNECT\b|\bauthorization:|["'](user|pass|auth_token|jwt|sig|nkey)\b/i;

/**
 * Credentials that were sent to a peer, to be blanked in what it says: a server may send back the line with the
 * password, a proxy the header, in whatever writing its own log or answer has.
 */
export class SentSecrets {
  readonly #secrets = new Writings();
  readonly #names = new Writings();

  /**
   * Remembers some; `undefined` and empty ones are none.
   *
   * @param names - of users. They are blanked only where credentials are repeated: elsewhere the same word may be
   * a subject's or a host's.
   */
  add(secrets: readonly unknown[], names: readonly unknown[] = []): this {
    this.#secrets.add(secrets);
    this.#names.add(names);
    return this;
  }

  /**
   * Blanks them in `text`, as they are or escaped. Where only a beginning is found, or only once the text is decoded
   * (base64, hexadecimal, percent-encoding, escapes, one in another), all of it is withheld.
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

/** Texts in their usual writings. */
class Writings {
  readonly #texts = new Set<string>();
  #compiled: { readonly pattern: RegExp; readonly beginnings: readonly string[] } | undefined;

  get isEmpty(): boolean {
    return this.#texts.size === 0;
  }

  add(texts: readonly unknown[]): void {
    for (const text of texts) {
      if (typeof text !== "string" || text === "" || this.#texts.has(text)) continue;
      this.#texts.add(text);
      this.#compiled = undefined;
      const [oldest] = this.#texts;
      if (oldest !== undefined && this.#texts.size > maxSecrets) this.#texts.delete(oldest);
    }
  }

  blankIn(text: string): string {
    return this.isEmpty ? text : text.replace(this.#compile().pattern, blank);
  }

  /** Whether one is in `text`, or the beginning of one. */
  isIn(text: string): boolean {
    if (this.isEmpty || text === "") return false;
    const { pattern, beginnings } = this.#compile();
    return text.search(pattern) >= 0 || beginnings.some((each) => beginsIn(text, each));
  }

  #compile() {
    if (this.#compiled === undefined) {
      const writings = [...new Set([...this.#texts].flatMap(writingsOf))];
      // The longest first, so that one in another is not what is found.
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

/** As it is, escaped as in JSON or a URL, and in base64. */
function writingsOf(text: string): string[] {
  const bytes = Buffer.from(text);
  const json = JSON.stringify(text).slice(1, -1);
  const base64 = bytes.toString("base64").replace(/=+$/, "");
  // What can't be encoded in a URL is replaced in UTF-8.
  const wellFormed = bytes.toString();
  return [text, json, json.replaceAll("/", "\\/"), encodeURIComponent(wellFormed), encodeURI(wellFormed), base64];
}

/** Whether `text` has a beginning: a peer may break off in the midst of a secret. */
function beginsIn(text: string, beginning: string): boolean {
  if (beginning.length === beginningLength && text.includes(beginning)) return true;
  const end = /[\w/+=.-]*[^\w/+=.-]*$/.exec(text.slice(-64))?.[0] ?? "";
  const word = end.replace(/[^\w/+=.-]*$/, "");
  for (let length = lastLength; length < beginning.length; length += 1) {
    if (word.endsWith(beginning.slice(0, length))) return true;
  }
  return false;
}

/** The text as it reads when what is encoded in it is decoded, and that once more. */
function decodedViews(text: string): Set<string> {
  const views = new Set(decodings(text));
  for (const view of [...views]) for (const next of decodings(view)) views.add(next);
  views.delete(text);
  return views;
}

/** In base64 at each offset, for what stands before may be of it, too. */
function decodings(text: string): string[] {
  const decoded = [percentDecoded(text), unescaped(text)];
  const runs = text.match(/[\w+/-]{12,}/g) ?? [];
  for (const offset of [0, 1, 2, 3]) decoded.push(legible(runs.map((run) => Buffer.from(run.slice(offset), "base64"))));
  decoded.push(legible((text.match(/(?:[\da-f]{2}){4,}/gi) ?? []).map((run) => Buffer.from(run, "hex"))));
  return decoded;
}

/** What of the bytes may be words; most text is no base64, and decodes to what is none. */
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

/** On the connection itself, as the hooks of its dial are: a WeakMap would cost the collector too much. */
const sentKey: unique symbol = Symbol("dialtrace.sentSecrets");

interface Sent {
  [sentKey]?: readonly SentSecrets[];
}

/** Notes what was sent on `conn`, for all that read from it later, besides what has been noted. */
export function noteSecrets(conn: object, ...secrets: readonly SentSecrets[]): void {
  const noted = (conn as Sent)[sentKey] ?? [];
  if (secrets.length > 0) (conn as Sent)[sentKey] = [...noted, ...secrets];
}

/** Notes on `conn` what was sent on the connection beneath it. */
export function inheritSecrets(conn: object, beneath: object): void {
  noteSecrets(conn, ...((beneath as Sent)[sentKey] ?? []));
}

/** What blanks the secrets sent on `conn` in what its peer says; none where none were sent. */
export function blankerOf(conn: object): ((text: string) => string) | undefined {
  const noted = (conn as Sent)[sentKey];
  return noted && ((text) => noted.reduce((blanked, secrets) => secrets.blankIn(blanked), text));
}
