import { isAggregateError, isError } from "./is-error.ts";
/**
 * Most bytes, in UTF-8, of a text that a peer or a name has a part in: an error's message, a line of a log, an
 * attribute of a span.
 */
export const maxPrintableBytes = 1024;

/**
 * Control characters (C0, C1 and DEL), format characters (bidirectional overrides, zero-width ones), the
 * separators of lines and paragraphs, and lone surrogates: what moves a terminal's cursor, begins a line of its
 * own, reorders or hides text, or can't be encoded.
 */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const allUnprintable = new RegExp(unprintable, "gu");

const ellipsis = "…";

/**
 * Returns `text` on one line, with what can't be seen escaped as in JSON (`\n`, `\u001b`) and cut to `maxBytes`
 * bytes of UTF-8, the ellipsis included. Backslashes are kept, so that a second pass changes nothing.
 *
 * @param maxBytes - at least 4. @defaultValue {@link maxPrintableBytes}
 */
export function printable(text: string, maxBytes: number = maxPrintableBytes): string {
  // No character takes less than a byte: what is behind is not looked at, however long.
  const head = text.length > maxBytes ? text.slice(0, maxBytes).replace(/[\ud800-\udbff]$/, "") : text;
  const shown = unprintable.test(head) ? head.replace(allUnprintable, escaped) : head;
  if (head === text && (3 * shown.length <= maxBytes || Buffer.byteLength(shown) <= maxBytes)) return shown;
  return cut(shown, maxBytes);
}

/** Whether {@link printable} returns `text` as it is. */
export function isPrintable(text: string): boolean {
  return text.length <= maxPrintableBytes && printable(text) === text;
}

/** A part of a long string would keep the whole in memory; this is a string of its own. */
function cut(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  let end = Math.min(bytes.length, maxBytes - Buffer.byteLength(ellipsis));
  // Bytes of the form 10xxxxxx continue a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString("utf8", 0, end) + ellipsis;
}

const short: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code > 0xffff) return `\\u{${code.toString(16)}}`;
  return short.get(character) ?? `\\u${code.toString(16).padStart(4, "0")}`;
}

/** Causes of an error that {@link cleanError} follows. */
const maxCauses = 5;
/** Most errors of one AggregateError that it looks at. */
const maxHeld = 16;

/**
 * Makes what an error of Node's or a library's says printable, in place: its message, its stack and its other
 * texts, along the chain of causes. For errors that a peer or a name has a part in; one that is fit already is
 * not touched.
 *
 * @param rewrite - applied to each text first, such as what blanks secrets.
 * @returns the error.
 */
export function cleanError<E>(error: E, rewrite: (text: string) => string = same): E {
  if (typeof error === "string") return printable(rewrite(error)) as E;
  for (const each of chainOf(error)) cleanOne(each, rewrite);
  return error;
}

/** Lines are what an error of the user's may have; what acts on a terminal it has from elsewhere. */
const wild = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const maxTameLength = 16_384;

/**
 * The same for errors of the user's own dialers and handshakes, which may repeat a peer's words: only one that has
 * control characters besides the ends of lines, or is very long, is changed.
 */
export function tameError<E>(error: E): E {
  // A string may be thrown, too.
  if (typeof error === "string") return (isWild(error) ? printable(error) : error) as E;
  try {
    for (const each of chainOf(error)) {
      if (isWild(each.message) || hasWildField(each)) cleanOne(each, same);
    }
  } catch {
    // A getter of the user's error threw; the error stays as it is.
  }
  return error;
}

function isWild(value: unknown): boolean {
  return typeof value === "string" && (value.length > maxTameLength || wild.test(value));
}

function hasWildField(error: Error): boolean {
  for (const key in error) if (isWild((error as unknown as Record<string, unknown>)[key])) return true;
  return false;
}

/** The causes of an error, and the errors that an AggregateError among them holds. */
function chainOf(error: unknown): Set<Error> {
  const chain = new Set<Error>();
  const held: unknown[] = [];
  for (let next = error; chain.size <= maxCauses && isError(next) && !chain.has(next); next = next.cause) {
    chain.add(next);
    if (isAggregateError(next)) held.push(...next.errors.slice(0, maxHeld));
  }
  for (const each of held) if (isError(each)) chain.add(each);
  return chain;
}

function same(text: string): string {
  return text;
}

function cleanOne(error: Error, rewrite: (text: string) => string): void {
  const { message } = error;
  const clean = printable(rewrite(message).trimEnd());
  if (clean !== message) {
    // Before the message: V8 makes it from the message when it is first asked for.
    const { stack } = error;
    replace(error, "message", clean);
    if (typeof stack === "string") replace(error, "stack", `${error.name}: ${clean}${framesOf(stack, message)}`);
  }
  for (const key of Object.keys(error)) {
    const value: unknown = (error as unknown as Record<string, unknown>)[key];
    if (key !== "message" && key !== "stack" && typeof value === "string") {
      const text = printable(rewrite(value));
      if (text !== value) replace(error, key, text);
    }
  }
  hidePeerData(error);
}

/** The lines of a stack that say where; the message, which may look like some of them, stands before. */
function framesOf(stack: string, message: string): string {
  const at = stack.indexOf(message);
  const frames = at < 0 || message === "" ? "" : stack.slice(at + message.length);
  return frames.startsWith("\n") ? frames : "";
}

/** Node puts a whole certificate, or what it could not parse, on some errors: logs would show them. */
function hidePeerData(error: Error): void {
  for (const key of ["cert", "rawPacket"]) {
    if (Object.getOwnPropertyDescriptor(error, key)?.enumerable === true) {
      Reflect.defineProperty(error, key, { enumerable: false });
    }
  }
}

/** A frozen error stays as it is: it can only be one of the user's. */
function replace(error: Error, key: string, value: string): void {
  Reflect.set(error, key, value);
}
