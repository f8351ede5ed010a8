import type { AsyncResource } from "node:async_hooks";
import type { Duplex } from "node:stream";
import type { Waiting } from "../async/wait-queue.ts";
import type { DialTrace } from "../core/trace.ts";
import type { DialContext } from "../engine/context.ts";
import type { Lease } from "./lease.ts";

/** One call of `acquire`. */
export interface Caller<C extends Duplex> {
  readonly context: DialContext<C>;
  /** The `trace` option as given: it identifies the hooks. */
  readonly trace: DialTrace | undefined;
  /** When acquire was called. */
  readonly since: number;
  /**
   * The async context of the call: `acquireDone` runs in it, so that observers find the span of the caller rather than
   * that of the release that served it.
   */
  place: AsyncResource | undefined;
}

/** An acquire that waits for a connection. */
export interface Waiter<C extends Duplex> extends Waiting<Waiter<C>> {
  readonly caller: Caller<C>;
  resolve(lease: Lease<C>): void;
  reject(error: unknown): void;
}
