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
import { drawFaults, type FaultsOptions } from "./draw-faults.ts";
import { connectRefused } from "./system-error.ts";

/**
 * Injects network faults into dials, for chaos tests: at random from a seed, or from a script. Errors have the code,
 * syscall and message of the system's errors. Without options it does nothing. All dialers composed with one layer share
 * its script and its random numbers.
 *
 * Above `withRetry` it affects the whole dial, below it each attempt. Hooks, metrics and errors report a refused or
 * unanswered dial as an attempt, but without connects to addresses. A reset or cut applies from the moment a connection is
 * established, before the handshake of the dial, which may fail because of it. A handshake that starts TLS on a socket
 * bypasses a cut; the base dialer `tls()` does not.
 *
 * @throws RangeError or TypeError at construction, naming the option.
 * @example
 * const dial = compose(withRetry(), withTimeout({ timeoutMs: 500 }), withFaults({ refuse: 0.2, blackHole: 0.05, seed: 7 }), tcp());
 * const scripted = compose(withRetry(), withFaults({ script: ["refuse", "reset", "none"] }), tcp());
 */
export function withFaults(options: FaultsOptions = {}): Middleware {
  const draw = drawFaults(options);
  const { only } = options;

  return layer(
    <C extends Duplex>(next: Run<C>): Run<C> =>
      async function faultsDialer(target, context) {
        const { cancel, clock } = context;
        cancel?.throwIfAborted();
        if (only !== undefined && !returnedBoolean("withFaults: only", only(target))) return next(target, context);
        const { fault, latencyMs, cutAfterBytes } = draw();
        if (fault === "blackHole") return attemptWith<C>(() => never(cancel))(target, context);
        const delay = async () => {
          if (latencyMs > 0) await sleep(latencyMs, clock, cancel);
        };
        if (fault === "refuse") {
          const refuse = async () => {
            await delay();
            throw connectRefused(target);
          };
          return attemptWith<C>(refuse)(target, context);
        }
        await delay();
        if (fault === "reset") return injectFault(next, target, context, resetSoon);
        if (fault === "cut") return injectFault(next, target, context, (conn) => cutAfter(conn, cutAfterBytes));
        return next(target, context);
      },
    {
      factory: "withFaults",
      name: "faults",
      worstCase(beneath, withinMs) {
        const cost = beneath(withinMs);
        return { ...cost, timeMs: Number.POSITIVE_INFINITY, attempts: Math.max(1, cost.attempts) };
      },
    },
  );
}

markFactories({ withFaults });

/** An attempt with all its hooks that does not dial what is beneath. */
function attemptWith<C extends Duplex>(base: () => Promise<never>): Run<C> {
  return attempting(dialerOf<C>(base));
}

function never(cancel: Cancel | undefined): Promise<never> {
  return new Promise((_resolve, reject) => cancel?.onAbort(() => reject(cancel.reason)));
}

/** Dials, and calls `inject` with the connection before the handshake. */
async function injectFault<C extends Duplex>(
  next: Run<C>,
  target: Target,
  context: DialContext<C>,
  inject: (conn: Duplex) => void,
): Promise<C> {
  const { handshake } = context;
  if (handshake === undefined) {
    const conn = await next(target, context);
    inject(conn);
    return conn;
  }
  const faultyHandshake: Handshake<C> = (conn, info) => {
    inject(conn);
    return handshake(conn, info);
  };
  return next(target, { ...context, handshake: faultyHandshake });
}
