/** Writings shorter than this are blanked only where they stand alone: else a password `a` would blank each a. */
const shortLength = 4;

/** Least part of a secret that is blanked where a text breaks off in it. */
const beginningLength = 6;

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

  /** Blanks them in `text`: as they are, escaped as in JSON or a URL, in base64 and hexadecimal, and a beginning at the end. */
  readonly blankIn = (text: string): string => {
    const withoutSecrets = this.#secrets.blankIn(text);
    if (withoutSecrets === text && !credentialLine.test(text)) return text;
    return this.#names.blankIn(withoutSecrets);
  };
}

/** Texts in all the ways in which they may be written. */
class Writings {
  readonly #texts = new Set<string>();
  #pattern: RegExp | undefined;

  add(texts: readonly unknown[]): void {
    for (const text of texts) {
      if (typeof text !== "string" || text === "" || this.#texts.has(text)) continue;
      this.#texts.add(text);
      this.#pattern = undefined;
      const [oldest] = this.#texts;
      if (oldest !== undefined && this.#texts.size > maxSecrets) this.#texts.delete(oldest);
    }
  }

  blankIn(text: string): string {
    if (this.#texts.size === 0 || text === "") return text;
    this.#pattern ??= patternOf(this.#texts);
    const blanked = this.#withoutBeginning(text.replace(this.#pattern, blank));
    // Written in another way still: there is no telling which part of the text it is.
    for (const view of viewsOf(blanked)) {
      this.#pattern.lastIndex = 0;
      if (this.#pattern.test(view)) return withheld;
    }
    return blanked;
  }

  /** A peer may break off in the midst of a secret. */
  #withoutBeginning(text: string): string {
    const end = text.replace(/[^\w/+=.-]*$/, "");
    for (const writing of [...this.#texts].flatMap(writingsOf)) {
      for (let length = Math.min(writing.length - 1, end.length); length >= beginningLength; length -= 1) {
        if (end.endsWith(writing.slice(0, length))) return end.slice(0, -length) + blank + text.slice(end.length);
      }
    }
    return text;
  }
}

function patternOf(secrets: Iterable<string>): RegExp {
  const writings = new Set([...secrets].flatMap(writingsOf));
  // The longest first, so that one in another is not what is found.
  const parts = [...writings].sort((a, b) => b.length - a.length).map(partOf);
  return new RegExp(parts.join("|"), "gi");
}

function partOf(writing: string): string {
  const literal = writing.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  return writing.length < shortLength ? `(?<!\\w)${literal}(?!\\w)` : literal;
}

function writingsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const json = JSON.stringify(secret).slice(1, -1);
  const all = [secret, json, json.replaceAll("/", "\\/"), bytes.toString("hex"), ...base64Of(bytes)];
  // What can't be encoded in a URL is replaced in UTF-8.
  const wellFormed = bytes.toString();
  return [...all, encodeURIComponent(wellFormed), encodeURI(wellFormed)];
}

/** Base64 of the bytes, alone and as it is inside of other bytes: at three offsets, without the ends that depend on what stands there. */
function base64Of(bytes: Buffer): string[] {
  const alone = bytes.toString("base64").replace(/=+$/, "");
  const inside = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    const whole = Math.floor(((offset + bytes.length) * 8) / 6);
    return text.slice(Math.ceil((offset * 8) / 6), whole);
  });
  const all = [alone, ...inside.filter((text) => text.length >= 2 * shortLength)];
  return [...all, ...all.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"))];
}

/** The text as it reads when what is escaped in it is not, where that differs. */
function viewsOf(text: string): string[] {
  const views = new Set<string>();
  let view = text;
  for (let depth = 0; depth < 2; depth += 1) {
    views.add(percentDecoded(view));
    views.add(unescaped(view));
    view = percentDecoded(unescaped(view));
    views.add(view);
  }
  views.delete(text);
  return [...views];
}

function percentDecoded(text: string): string {
  return text.replace(/(?:%[\da-f]{2})+/gi, (run) => Buffer.from(run.replaceAll("%", ""), "hex").toString());
}

function unescaped(text: string): string {
  return text
    .replace(/\\u\{?([\da-f]{4,6})\}?|\\x([\da-f]{2})/gi, (_, wide?: string, narrow?: string) => {
      const code = Number.parseInt(wide ?? narrow ?? "0", 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : "";
    })
    .replace(/\\(.)/g, "$1");
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
