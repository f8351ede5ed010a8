import type { Clock } from "../async/clock.ts";
import type { Middleware } from "../core/dialer.ts";
import { layer } from "../engine/context.ts";
import { WaitQueue } from "../engine/wait-queue.ts";
import { markFactories } from "../support/roles.ts";
import { checkCount, checkOptions, invalid, show } from "../support/validate.ts";

export interface RateLimitOptions {
  /** Dials that may start in a second, in the long run, from 0.000001 to 1 000 000. Required. */
  dialsPerSecond: number;
  /** Dials that may start at once after a quiet time. @defaultValue one second's worth: `dialsPerSecond`, rounded up */
  burst?: number | undefined;
}

/** One dial in 11 days; Node's timers keep no more than 25. */
const minPerSecond = 1e-6;
const maxPerSecond = 1e6;

/**
 * Lets dials start no faster than `dialsPerSecond`; those that come faster wait, first come, first served. For
 * what storms of reconnects would harm: a proxy, a database, a server that has just come back. In any time t
 * no more than `burst` + `dialsPerSecond` × t dials start beneath it. Below `withRetry` it counts each attempt.
 * The layer is one limit for all the dialers that it stands in.
 *
 * Nothing bounds the wait but the signal and timeouts above. Timers are no finer than a millisecond: with a burst of 1
 * the time between two dials is rounded up to whole ones, a greater burst makes up for it.
 *
 * @throws RangeError or TypeError at construction, naming the option.
 * @example
 * const dial = compose(withTimeout({ timeoutMs: 10_000 }), withRetry(), withRateLimit({ dialsPerSecond: 20 }), tcp());
 */
export function withRateLimit(options: RateLimitOptions): Middleware {
  checkOptions("withRateLimit", options, { dialsPerSecond: true, burst: true });
  const { dialsPerSecond } = options;
  if (typeof dialsPerSecond !== "number" || !(dialsPerSecond >= minPerSecond && dialsPerSecond <= maxPerSecond)) {
    const range = `from ${minPerSecond} to ${maxPerSecond}`;
    throw invalid(RangeError, `withRateLimit: dialsPerSecond must be a number ${range}, got ${show(dialsPerSecond)}`);
  }
  const { burst = Math.ceil(dialsPerSecond) } = options;
  checkCount("withRateLimit: burst", burst);

  const rate = new Rate(1000 / dialsPerSecond, burst);
  const line = new WaitQueue("rate");

  const admit = () => {
    for (let first = line.first; first !== undefined; first = line.first) {
      const leftMs = rate.take(first.clock);
      if (leftMs > 0) {
        line.wakeIn(leftMs, first.clock, admit);
        return;
      }
      line.shift();
      first.admit();
    }
  };

  return layer(
    (next) =>
      async function rateLimitDialer(target, context) {
        const { cancel, clock } = context;
        cancel?.throwIfAborted();
        if (line.size > 0 || rate.take(clock) > 0) {
          const turn = line.wait(target, context);
          admit();
          await turn;
          cancel?.throwIfAborted();
        }
        return next(target, context);
      },
    { name: "rateLimit" },
  );
}

markFactories({ withRateLimit });

/**
 * The generic cell rate algorithm: a token bucket that remembers one moment, when it would be full again.
 *
 * @see https://www.itu.int/rec/T-REC-I.371
 */
class Rate {
  readonly #intervalMs: number;
  /** How far ahead of its time a dial may be. */
  readonly #toleranceMs: number;
  #fullAt = Number.NEGATIVE_INFINITY;
  #now = Number.NEGATIVE_INFINITY;

  constructor(intervalMs: number, burst: number) {
    this.#intervalMs = intervalMs;
    this.#toleranceMs = intervalMs * (burst - 1);
  }

  /** Takes a token and returns 0, or returns the milliseconds until there is one. */
  take(clock: Clock): number {
    const now = clock.now();
    // No clock goes back: this is another one, whose time has nothing to do with what was taken.
    if (now < this.#now) this.#fullAt = Number.NEGATIVE_INFINITY;
    this.#now = now;
    const leftMs = this.#fullAt - this.#toleranceMs - now;
    if (leftMs > 0) return leftMs;
    this.#fullAt = Math.max(this.#fullAt, now) + this.#intervalMs;
    return 0;
  }
}
