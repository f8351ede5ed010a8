import type { Duplex } from "node:stream";
import type { Dialer } from "../core/dialer.ts";
import type { Target } from "../core/target.ts";
import type { DialContext, Run } from "../engine/context.ts";
import type { PoolEvents } from "./events.ts";
import type { PoolSettings } from "./options.ts";

/** The pool that a `TargetPool` is part of. */
export interface TargetPoolHost<C extends Duplex> {
  readonly settings: PoolSettings<C>;
  readonly events: PoolEvents;
  readonly dialer: Dialer<C>;
  readonly run: Run<C>;
  /** Context of the dials that keep `minIdle` connections ready. */
  readonly backgroundContext: DialContext<C>;
  /** Called when a connection became idle; the next one is due to be closed at `dueAt`. */
  idled(dueAt: number, now: number): void;
  /** Called when no connection, dial or waiter is left. */
  emptied(part: { readonly target: Target }): void;
}
