/** Ends the example: it can't run without `what`. */
export function isMissing(what: string): never {
  console.error(`This example needs ${what}.`);
  process.exit(1);
}
