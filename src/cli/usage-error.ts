/** A command line that cannot be used. The command prints the message and ends with the exit code for usage errors. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
