import { isAggregateError, isError } from "./is-error.ts";
/**
 * Maximum bytes, in UTF-8, of a text that may contain text from a peer: an error message, a log line, a span
 * attribute.
 */
export const maxPrintableBytes = 1024;

/**
 * Control characters (C0, C1 and DEL), format characters (bidirectional overrides, zero-width characters), line and
 * paragraph separators, and lone surrogates. They move the cursor of a terminal, start a new line, reorder or hide
 * text, or cannot be encoded.
 */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const allUnprintable = new RegExp(unprintable, "gu");

const ellipsis = "…";

/**
 * Returns `text` on one line, with invisible characters escaped as in JSON (`\n`, `\u001b`), truncated to `maxBytes`
 * bytes of UTF-8 including the ellipsis. Backslashes are not escaped, so a second pass changes nothing.
 *
 * @param maxBytes - at least 4. @defaultValue {@link maxPrintableBytes}
 */
export function printable(text: string, maxBytes: number = maxPrintableBytes): string {
  // A character takes at least one byte, so the rest of a long text is not read.
  const head = text.length > maxBytes ? text.slice(0, maxBytes).replace(/[\ud800-\udbff]$/, "") : text;
  const shown = unprintable.test(head) ? head.replace(allUnprintable, escaped) : head;
  if (head === text && (3 * shown.length <= maxBytes || Buffer.byteLength(shown) <= maxBytes)) return shown;
  return cut(shown, maxBytes);
}

/** Whether {@link printable} returns `text` as it is. */
export function isPrintable(text: string): boolean {
  return text.length <= maxPrintableBytes && printable(text) === text;
}

/** Copies a substring, because a slice keeps the whole string in memory. */
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
/** Maximum errors of one AggregateError that {@link cleanError} follows. */
const maxHeld = 16;

/**
 * Makes the message, the stack and the other strings of an error printable, in place and along the chain of causes.
 * For errors of Node or a library that may contain text from a peer. A printable error is not modified.
 *
 * @param rewrite - applied to each string first, for example to blank secrets.
 * @returns the error.
 */
export function cleanError<E>(error: E, rewrite: (text: string) => string = same): E {
  if (typeof error === "string") return printable(rewrite(error)) as E;
  for (const each of chainOf(error)) cleanOne(each, rewrite);
  return error;
}

/** Control characters other than line feeds and tabs: a user's error may have several lines, but no terminal sequences. */
const wild = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const maxTameLength = 16_384;

/**
 * As {@link cleanError}, for errors of a user's dialers and handshakes, which may repeat text from a peer. Modifies
 * only errors that are very long or have control characters other than line breaks.
 */
export function tameError<E>(error: E): E {
  // User code may also throw a string.
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

/** Returns the causes of an error, including the errors of each AggregateError among them. */
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
    // Before the message, because V8 creates the stack from the message on first access.
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

/** Returns the frames of a stack without the message, which may look like frames. */
function framesOf(stack: string, message: string): string {
  const at = stack.indexOf(message);
  const frames = at < 0 || message === "" ? "" : stack.slice(at + message.length);
  return frames.startsWith("\n") ? frames : "";
}

/** Hides fields that Node sets on some errors, such as a certificate or unparsed bytes, from logs. */
function hidePeerData(error: Error): void {
  for (const key of ["cert", "rawPacket"]) {
    if (Object.getOwnPropertyDescriptor(error, key)?.enumerable === true) {
      Reflect.defineProperty(error, key, { enumerable: false });
    }
  }
}

/** Sets a field unless the error is frozen, which only a user's error can be. */
function replace(error: Error, key: string, value: string): void {
  Reflect.set(error, key, value);
}
