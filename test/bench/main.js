// @ts-check
/**
 * Measures the cost of dialing through this package, side by side with the alternatives. The ratios are reliable; the
 * times depend on the machine.
 *
 *   npm run bench
 *   npm run bench -- --quick          every part, faster and less precise
 *   npm run bench -- --only b         one part, by its letter or its word
 *   npm run bench -- --only tcp
 */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { createBench, findParts, isNamed } from "./part.js";

const { values: flags } = parseArgs({
  options: { quick: { type: "boolean", default: false }, only: { type: "string" } },
});
const { quick, only } = flags;
const startedAt = performance.now();

const parts = findParts();
const chosen = parts.filter((part) => only === undefined || isNamed(part, only));
if (chosen.length === 0) {
  const names = parts.map(({ letter, word }) => `${letter} (${word})`).join(", ");
  console.error(`bench: --only must be the letter or the word of a part, got ${JSON.stringify(only)}: ${names}`);
  process.exit(1);
}

console.log(
  `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}, ${process.platform} ${process.arch}`,
);
console.log("Each ratio is to the first line of its part: the median of the rounds (lowest–highest).");
for (const { letter, load } of chosen) {
  const part = await load();
  await part.run(createBench({ letter, title: part.title, quick }));
}
console.log(`\n${((performance.now() - startedAt) / 1000).toFixed(0)} s in total`);
