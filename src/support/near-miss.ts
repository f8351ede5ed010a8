/** Units and endings that are often omitted or written differently. */
const unit = /(?:milliseconds|millis|msecs?|ms|seconds|secs?)$/;

/** Returns a name without case, separators and the unit at its end, which are often written differently. */
function essence(name: string): string {
  const bare = name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
  return bare.replace(unit, "") || bare;
}

/** Whether two normalized names are equal or differ only by a plural. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [essence(one), essence(other)];
  return a === b || a === `${b}s` || `${a}s` === b;
}

/** Maximum length to compare. Longer names cannot be misspelled options, and comparing them is slow. */
const maxLength = 64;

/** Returns the maximum number of wrong letters for a name length. Two wrong letters in a short name make another word. */
function tolerance(length: number): number {
  if (length < 4) return 0;
  return length < 8 ? 1 : 2;
}

/**
 * Returns the known name that a misspelled name most likely means, or `undefined`: a name that differs only in case,
 * separators, plural or unit (`timeout` for `timeoutMs`), else the nearest within two letters (one letter for
 * names shorter than eight).
 */
export function nearMiss(name: string, known: readonly string[]): string | undefined {
  if (name.length > maxLength) return undefined;
  const same = known.find((each) => isSame(each, name));
  if (same !== undefined) return same;
  let nearest: string | undefined;
  let least = tolerance(name.length) + 1;
  for (const each of known) {
    const distance = editDistance(name.toLowerCase(), each.toLowerCase());
    if (distance < least && distance <= tolerance(each.length)) [nearest, least] = [each, distance];
  }
  return nearest;
}

/** Returns the only known name that ends in the given name, such as `handshakeTimeoutMs` for `timeout`. */
export function onlyEndingIn(name: string, known: readonly string[]): string | undefined {
  const end = essence(name);
  if (end.length < 4) return undefined;
  const [first, second] = known.filter((each) => essence(each).endsWith(end));
  return second === undefined ? first : undefined;
}

/**
 * Returns the number of insertions, deletions, replacements and swaps of neighbors that turn one text into the other.
 *
 * @see https://en.wikipedia.org/wiki/Damerau%E2%80%93Levenshtein_distance, "optimal string alignment"
 */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const cost = from[row - 1] === to[column - 1] ? 0 : 1;
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current[column] = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + cost,
        swapped ? at(beforeLast, column - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    beforeLast = last;
    last = current;
  }
  return at(last, to.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
