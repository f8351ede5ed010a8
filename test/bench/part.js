// @ts-check
import { readdirSync } from "node:fs";
import { heading, printRatios } from "./report.js";
import { measureSideBySide } from "./rounds.js";

/**
 * What a file of `parts/` exports. Its name is its letter, a hyphen and its word: `b-tcp.js` is part b, or tcp.
 *
 * @typedef {object} Part
 * @property {string} title - the heading of the part's first comparison.
 * @property {(bench: Bench) => Promise<void>} run - measures and prints the part.
 *
 * @typedef {object} Bench
 * @property {boolean} quick - whether to measure less precisely, in a fraction of the time.
 * @property {(title?: string) => void} heading - prints a heading with the part's letter; default: the part's title.
 * @property {(comparison: Comparison) => Promise<readonly Result[]>} compare - measures contenders and prints a line for each.
 *
 * @typedef {object} Comparison
 * @property {string} [title] - a heading with the part's letter. A comparison without headings continues the one before.
 * @property {string} [subtitle] - a heading without the letter.
 * @property {readonly import("./rounds.js").Contender[]} contenders - the first is the one that the others are compared with.
 * @property {import("./rounds.js").Plan} plan
 * @property {(value: number) => string} format - writes a value: nanoseconds, bytes, or with `isRate` iterations per nanosecond.
 * @property {boolean} [isRate] - whether to print iterations per nanosecond instead of nanoseconds per iteration.
 * @property {import("./report.js").Aim} [aim]
 *
 * @typedef {import("./rounds.js").Result} Result
 */

const folder = new URL("parts/", import.meta.url);

/**
 * Finds the parts, in the order of their letters. Reads file names only, so that a new part is a new file and nothing else.
 *
 * @returns {{ letter: string, word: string, load: () => Promise<Part> }[]}
 */
export function findParts() {
  const parts = readdirSync(folder)
    .sort()
    .map((file) => {
      const [, letter, word] = /^([a-z])-([a-z]+(?:-[a-z]+)*)\.js$/.exec(file) ?? [];
      if (letter === undefined || word === undefined) throw new Error(`parts/${file} is not named LETTER-WORD.js`);
      return { file, letter, word, load: () => import(new URL(file, folder).href) };
    });
  for (const [index, { file, letter }] of parts.entries()) {
    const before = parts[index - 1];
    if (before?.letter === letter) throw new Error(`parts/${before.file} and parts/${file} have the same letter`);
  }
  return parts.map(({ letter, word, load }) => ({ letter, word, load }));
}

/** Whether `name` is the letter or the word of a part. @param {{ letter: string, word: string }} part @param {string} name */
export function isNamed({ letter, word }, name) {
  return name === letter || name === word;
}

/** @param {{ letter: string, title: string, quick: boolean }} part @returns {Bench} */
export function createBench({ letter, title: partTitle, quick }) {
  const lettered = (title = partTitle) => heading(`${letter}. ${title}`);
  return {
    quick,
    heading: lettered,
    async compare({ title, subtitle, contenders, plan, format, isRate = false, aim }) {
      if (title !== undefined) lettered(title);
      if (subtitle !== undefined) heading(`   ${subtitle}`);
      const results = await measureSideBySide(contenders, plan);
      printRatios(isRate ? results.map(invert) : results, format, aim);
      return results;
    },
  };
}

/** Turns times into rates. @param {Result} result */
function invert({ value, ratio, low, high, ...rest }) {
  return { ...rest, value: 1 / value, ratio: 1 / ratio, low: 1 / high, high: 1 / low };
}
