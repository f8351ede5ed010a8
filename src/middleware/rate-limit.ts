import type { Clock } from "../async/clock.ts";
import type { Middleware } from "../core/dialer.ts";
import { layer } from "../engine/context.ts";
import { LimitQueue } from "../engine/limit-queue.ts";
import { delayed } from "../engine/worst-case.ts";
import { markFactories } from "../support/roles.ts";
import { checkCount, checkOptions, invalid, show } from "../support/validate.ts";

/** Options of {@link withRateLimit}. */
export interface RateLimitOptions {
  /** Average number of dials that start per second, 0.000001 to 1 000 000. Required. */
  dialsPerSecond: number;
  /** Number of dials that may start together after an idle period, from 1. @defaultValue `dialsPerSecond`, rounded up */
  burst?: number | undefined;
}

/** One dial in 11 days; Node's timers are limited to 25 days. */
const minPerSecond = 1e-6;
const maxPerSecond = 1e6;

/**
 * Limits the rate at which dials start beneath it; the others wait in a FIFO queue. Use it to protect a proxy, a database
 * or a restarted server from reconnect storms. In any period of t seconds at most `burst` + `dialsPerSecond` × t dials
 * start. Below `withRetry` it counts each attempt. All dialers composed with one layer share its limit.
 *
 * The wait is limited only by the signal and the timeouts above. Timers have a resolution of 1 ms: with a burst of 1 the
 * time between two dials is rounded up to whole milliseconds; a larger burst compensates for that.
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
  const line = new LimitQueue("rate");

  const admit = () => {
    for (let first = line.first; first !== undefined; first = line.first) {
      try {
        const leftMs = rate.take(first.clock);
        if (leftMs > 0) {
          line.wakeIn(leftMs, first.clock, admit);
          return;
        }
        line.remove(first);
        first.admit();
      } catch (error) {
        // A user's clock that throws fails only its own dial.
        line.remove(first);
        first.refuse(error);
      }
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
    {
      factory: "withRateLimit",
      name: "rateLimit",
      options: () => ({ dialsPerSecond, burst }),
      // The queue has no limit.
      worstCase: (beneath, withinMs) => delayed(beneath(withinMs), Number.POSITIVE_INFINITY),
    },
  );
}

markFactories({ withRateLimit });

/**
 * The generic cell rate algorithm: a token bucket whose only state is the time at which it is full again.
 *
 * @see https://www.itu.int/rec/T-REC-I.371
 */
class Rate {
  readonly #intervalMs: number;
  /** How much earlier than its regular time a dial may start. */
  readonly #toleranceMs: number;
  #fullAt = Number.NEGATIVE_INFINITY;
  #now = Number.NEGATIVE_INFINITY;

  constructor(intervalMs: number, burst: number) {
    this.#intervalMs = intervalMs;
    this.#toleranceMs = intervalMs * (burst - 1);
  }

  /** Takes a token and returns 0, or returns the milliseconds until one is available. */
  take(clock: Clock): number {
    const now = clock.now();
    // Clocks are monotonic, so an earlier time is that of another clock: start with a full bucket.
    if (now < this.#now) this.#fullAt = Number.NEGATIVE_INFINITY;
    this.#now = now;
    const leftMs = this.#fullAt - this.#toleranceMs - now;
    if (leftMs > 0) return leftMs;
    this.#fullAt = Math.max(this.#fullAt, now) + this.#intervalMs;
    return 0;
  }
}
