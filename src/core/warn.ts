/** More than any program has mistakes to be warned of; beyond it, nothing is remembered, nor warned of. */
const maxWarnings = 1000;

const given = new Set<string>();

/** Emits a process warning, the first time that it is given; each text once in the life of the process. */
export function warnOnce(message: string): void {
  if (given.has(message) || given.size >= maxWarnings) return;
  given.add(message);
  process.emitWarning(message, { type: "DialtraceWarning" });
}
