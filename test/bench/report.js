// @ts-check

/**
 * What a contender's ratio should be. The line of `of` says whether it is.
 *
 * @typedef {object} Aim
 * @property {string} of - label of the contender.
 * @property {number} [atMost]
 * @property {number} [atLeast]
 */

/** @param {string} text */
export function heading(text) {
  console.log(`\n${text}`);
}

/**
 * Prints a line for each contender: its value, its ratio to the first, and whether it meets the aim.
 *
 * @param {readonly import("./rounds.js").Result[]} results
 * @param {(value: number) => string} format
 * @param {Aim} [aim]
 */
export function printRatios(results, format, { of, atMost = Number.POSITIVE_INFINITY, atLeast = 0 } = { of: "" }) {
  for (const [index, { contender, value, ratio, low, high }] of results.entries()) {
    const ratios = index === 0 ? "" : `${ratio.toFixed(3)} (${low.toFixed(3)}–${high.toFixed(3)})`;
    const met = ratio <= atMost && ratio >= atLeast ? "met" : "missed";
    const bound = atLeast > 0 ? `at least ${atLeast.toFixed(2)}` : `at most ${atMost.toFixed(2)}`;
    printLine(contender.label, format(value), ratios, contender.label === of ? `aim ${bound}: ${met}` : "");
  }
}

/** @param {string} label @param {string} value @param {string} rest @param {string} [verdict] */
export function printLine(label, value, rest, verdict = "") {
  console.log(`  ${label.padEnd(50)} ${value.padStart(11)}  ${rest.padEnd(22)} ${verdict}`.trimEnd());
}

/** Writes nanoseconds as microseconds. @param {number} digits @returns {(ns: number) => string} */
export function microseconds(digits) {
  return (ns) => `${(ns / 1000).toFixed(digits)} µs`;
}

/** Writes nanoseconds as milliseconds. @param {number} digits @returns {(ns: number) => string} */
export function milliseconds(digits) {
  return (ns) => `${(ns / 1e6).toFixed(digits)} ms`;
}

/** Writes iterations per nanosecond as iterations per millisecond. @param {number} digits @returns {(rate: number) => string} */
export function perMillisecond(digits) {
  return (rate) => `${(rate * 1e6).toFixed(digits)} /ms`;
}
