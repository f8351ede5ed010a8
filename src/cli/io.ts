import type { Writable } from "node:stream";
import type { Environment } from "./route.ts";
import type { Sized } from "./terminal.ts";

/** What the command reads and writes, besides the network. */
export interface Io {
  readonly out: Writable & Sized;
  readonly err: Writable & Sized;
  readonly env: Environment;
  /** Aborts on Ctrl-C. */
  readonly interrupt: AbortSignal;
}
