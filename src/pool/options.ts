import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { checkClock } from "../async/checked-clock.ts";
import { type Clock, systemClock } from "../async/clock.ts";
import type { Dialer } from "../core/dialer.ts";
import { checkedRandom } from "../support/returned.ts";
import {
  checkCount,
  checkDialer,
  checkDuration,
  checkFunction,
  checkOptions,
  invalid,
  type OptionNames,
  show,
} from "../support/validate.ts";
import { checkPoolTrace } from "./events.ts";
import type { PoolTraceLike } from "./pool-trace.ts";

export interface PoolOptions<C extends Duplex = Socket> {
  /** Makes the connections. Its timeouts bound each dial; without any, only `acquireTimeoutMs` does. Required. */
  dialer: Dialer<C>;
  /** Connections to one target that may be open or being dialed; `Infinity` sets no bound. @defaultValue 10 */
  maxOpen?: number | undefined;
  /** Connections to one target that are kept while unused; one more that is given back is closed. @defaultValue `maxOpen` */
  maxIdle?: number | undefined;
  /**
   * Connections kept ready for each target, once it has been asked for, as long as the pool is open: dialed in the background,
   * with growing waits after failures, never beyond `maxOpen`. They are not closed for being idle. @defaultValue 0
   */
  minIdle?: number | undefined;
  /**
   * Age in milliseconds above which a connection isn't handed out again; looked at when one is asked for, as go-micro's
   * pool does. @defaultValue `Infinity`
   */
  ttlMs?: number | undefined;
  /** Time in milliseconds after which an unused connection is closed. @defaultValue 30 000 */
  idleTimeoutMs?: number | undefined;
  /** Age in milliseconds at which a connection is closed, if unused, or else when it is given back. @defaultValue 30 minutes */
  maxLifetimeMs?: number | undefined;
  /**
   * Share of `maxLifetimeMs`, 0 to 1, by which a connection's own lifetime is shorter at most, at random, so that those
   * made together don't all end together. @defaultValue 0.1
   */
  maxLifetimeJitter?: number | undefined;
  /** Time in milliseconds that `acquire` may take, its dial included. @defaultValue 30 000 */
  acquireTimeoutMs?: number | undefined;
  /** Callers that may wait for one target when it can't be dialed for them. @defaultValue `Infinity` */
  maxWaiting?: number | undefined;
  /**
   * Says whether an idle connection may be handed out; it is closed unless this returns `true`. Called each time
   * before one is handed out again, and must be quick: what needs the network is better tried by the caller. One that
   * throws, or returns anything else, a promise too, is warned of once.
   */
  validate?: ((conn: C) => boolean) | undefined;
  /** What observes the pool: hooks, functions that return them for the pool, or an array of both. */
  trace?: PoolTraceLike | undefined;
  /** Where time comes from. For tests. @defaultValue the system's monotonic clock */
  clock?: Clock | undefined;
  /** Source of randomness, from 0 to below 1. For tests. @defaultValue `Math.random` */
  random?: (() => number) | undefined;
}

const optionNames: OptionNames<PoolOptions> = {
  dialer: true,
  maxOpen: true,
  maxIdle: true,
  minIdle: true,
  ttlMs: true,
  idleTimeoutMs: true,
  maxLifetimeMs: true,
  maxLifetimeJitter: true,
  acquireTimeoutMs: true,
  maxWaiting: true,
  validate: true,
  trace: true,
  clock: true,
  random: true,
};

/** {@link PoolOptions}, checked and completed, but for the dialer and the observers. */
export interface PoolSettings<C extends Duplex> {
  readonly maxOpen: number;
  readonly maxIdle: number;
  readonly minIdle: number;
  readonly ttlMs: number;
  readonly idleTimeoutMs: number;
  readonly maxLifetimeMs: number;
  readonly maxLifetimeJitter: number;
  readonly acquireTimeoutMs: number;
  readonly maxWaiting: number;
  readonly validate: ((conn: C) => boolean) | undefined;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Checks the options and completes them. Throws a RangeError or TypeError that names the option. */
export function settingsOf<C extends Duplex>(options: PoolOptions<C>): PoolSettings<C> {
  checkOptions("pool", options, optionNames);
  const {
    dialer,
    maxOpen = 10,
    maxIdle = maxOpen,
    minIdle = 0,
    ttlMs = Number.POSITIVE_INFINITY,
    idleTimeoutMs = 30_000,
    maxLifetimeMs = 30 * 60_000,
    maxLifetimeJitter = 0.1,
    acquireTimeoutMs = 30_000,
    maxWaiting = Number.POSITIVE_INFINITY,
    validate,
    trace,
    clock = systemClock,
    random = Math.random,
  } = options;
  checkDialer("pool: dialer", dialer);
  checkCount("pool: maxOpen", maxOpen);
  checkCount("pool: maxIdle", maxIdle, 0);
  checkCount("pool: minIdle", minIdle, 0);
  if (minIdle > Math.min(maxIdle, maxOpen, Number.MAX_SAFE_INTEGER)) {
    throw invalid(
      RangeError,
      `pool: minIdle must not be above maxIdle (${maxIdle}) or maxOpen (${maxOpen}), got ${minIdle}`,
    );
  }
  checkDurationOrNone("pool: ttlMs", ttlMs);
  checkDurationOrNone("pool: idleTimeoutMs", idleTimeoutMs);
  checkDurationOrNone("pool: maxLifetimeMs", maxLifetimeMs);
  checkDurationOrNone("pool: acquireTimeoutMs", acquireTimeoutMs);
  if (typeof maxLifetimeJitter !== "number" || !(maxLifetimeJitter >= 0 && maxLifetimeJitter <= 1)) {
    throw invalid(RangeError, `pool: maxLifetimeJitter must be a number from 0 to 1, got ${show(maxLifetimeJitter)}`);
  }
  checkCount("pool: maxWaiting", maxWaiting, 0);
  if (validate !== undefined) checkFunction("pool: validate", validate);
  if (trace !== undefined) checkPoolTrace("pool: trace", trace);
  checkClock("pool: clock", clock);
  checkFunction("pool: random", random);
  return {
    maxOpen,
    maxIdle,
    minIdle,
    ttlMs,
    idleTimeoutMs,
    maxLifetimeMs,
    maxLifetimeJitter,
    acquireTimeoutMs,
    maxWaiting,
    validate,
    clock,
    random: checkedRandom("pool: random", random),
  };
}

function checkDurationOrNone(option: string, value: unknown): void {
  if (value !== Number.POSITIVE_INFINITY) checkDuration(option, value);
}
