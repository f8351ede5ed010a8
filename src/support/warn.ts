/** Maximum number of texts remembered. A process that reaches it emits no further warnings. */
const maxWarnings = 1000;

const given = new Set<string>();

/**
 * Emits a process warning, once per text in the life of the process.
 *
 * @param detail - shown beneath the warning, such as a stack.
 */
export function warnOnce(message: string, detail?: () => string): void {
  if (given.has(message) || given.size >= maxWarnings) return;
  given.add(message);
  process.emitWarning(message, { type: "DialtraceWarning", ...(detail && { detail: detail() }) });
}
