import type { Duplex } from "node:stream";
import type { Cancel } from "../async/cancel.ts";
import { sleep } from "../async/sleep.ts";
import type { Handshake, Middleware } from "../core/dialer.ts";
import type { Target } from "../core/target.ts";
import { attempting } from "../engine/attempt.ts";
import { type DialContext, dialerOf, layer, type Run } from "../engine/context.ts";
import { returnedBoolean } from "../support/returned.ts";
import { markFactories } from "../support/roles.ts";
import { cutAfter, resetSoon } from "./break-connection.ts";
import { drawFates, type FaultsOptions } from "./fates.ts";
import { connectRefused } from "./system-error.ts";

/**
 * Makes dials fail as networks do, for chaos tests: by chance, or by a script. Errors are the system's in code, syscall,
 * message and all. Without options it does nothing. The layer is one script for all the dialers that it stands in.
 *
 * Its place is its meaning: above `withRetry` it befalls the dial as a whole, below it each attempt. What it refuses or
 * never answers is an attempt as any other to hooks, metrics and errors, without the connects of single addresses.
 * Resets and cuts begin when a connection is made, before the caller's handshake, so that this may fail of them. A
 * handshake that puts TLS on top of a socket carries its bytes past a cut; a base that is `tls()` doesn't.
 *
 * @throws RangeError or TypeError at construction, naming the option.
 * @example
 * const dial = compose(withRetry(), withTimeout({ timeoutMs: 500 }), withFaults({ refuse: 0.2, blackHole: 0.05, seed: 7 }), tcp());
 * const scripted = compose(withRetry(), withFaults({ script: ["refuse", "reset", "none"] }), tcp());
 */
export function withFaults(options: FaultsOptions = {}): Middleware {
  const draw = drawFates(options);
  const { only } = options;

  return layer(
    <C extends Duplex>(next: Run<C>): Run<C> =>
      async function faultsDialer(target, context) {
        const { cancel, clock } = context;
        cancel?.throwIfAborted();
        if (only !== undefined && !returnedBoolean("withFaults: only", only(target))) return next(target, context);
        const { fault, latencyMs, cutAfterBytes } = draw();
        if (fault === "blackHole") return attempt<C>(() => never(cancel))(target, context);
        const delay = async () => {
          if (latencyMs > 0) await sleep(latencyMs, clock, cancel);
        };
        if (fault === "refuse") {
          const refuse = async () => {
            await delay();
            throw connectRefused(target);
          };
          return attempt<C>(refuse)(target, context);
        }
        await delay();
        if (fault === "reset") return harming(next, target, context, resetSoon);
        if (fault === "cut") return harming(next, target, context, (conn) => cutAfter(conn, cutAfterBytes));
        return next(target, context);
      },
    { name: "faults" },
  );
}

markFactories({ withFaults });

/** An attempt as any other, but that it never gets to what is beneath. */
function attempt<C extends Duplex>(base: () => Promise<never>): Run<C> {
  return attempting(dialerOf<C>(base));
}

function never(cancel: Cancel | undefined): Promise<never> {
  return new Promise((_resolve, reject) => cancel?.onAbort(() => reject(cancel.reason)));
}

/** Dials, and does `harm` to the connection as soon as it is there. */
async function harming<C extends Duplex>(
  next: Run<C>,
  target: Target,
  context: DialContext<C>,
  harm: (conn: Duplex) => void,
): Promise<C> {
  const { handshake } = context;
  if (handshake === undefined) {
    const conn = await next(target, context);
    harm(conn);
    return conn;
  }
  const harmed: Handshake<C> = (conn, info) => {
    harm(conn);
    return handshake(conn, info);
  };
  return next(target, { ...context, handshake: harmed });
}
