/** Exits with a message that names what the example needs. */
export function isMissing(what: string): never {
  console.error(`This example needs ${what}.`);
  process.exit(1);
}
