import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { checkedClock } from "../async/checked-clock.ts";
import { type Clock, systemClock } from "../async/clock.ts";
import type { Dialer } from "../core/dialer.ts";
import { checkedRandom } from "../support/returned.ts";
import {
  checkCount,
  checkDialer,
  checkDuration,
  checkFunction,
  checkOptions,
  checkRatio,
  invalid,
  type OptionNames,
} from "../support/validate.ts";
import { checkPoolTrace } from "./events.ts";
import type { PoolTraceLike } from "./pool-trace.ts";

/** Options of {@link pool}. */
export interface PoolOptions<C extends Duplex = Socket> {
  /**
   * Dials the connections. Required. Give it timeouts of its own: without any, a dial is bounded by `acquireTimeoutMs`
   * only.
   */
  dialer: Dialer<C>;
  /** Connections per target, open or being dialed: a whole number from 1, or `Infinity`. @defaultValue 10 */
  maxOpen?: number | undefined;
  /** Idle connections per target, from 0; a connection released beyond it is closed. @defaultValue `maxOpen` */
  maxIdle?: number | undefined;
  /**
   * Idle connections to keep ready for each target, from 0 to `maxIdle` and `maxOpen`, from its first acquire until the
   * pool is closed. They are dialed in the background, with a growing backoff after failures, and are exempt from
   * `idleTimeoutMs`. @defaultValue 0
   */
  minIdle?: number | undefined;
  /**
   * Age above which a connection is not leased again, in milliseconds, from 1. Checked only on acquire, as in
   * go-micro's pool. @defaultValue `Infinity`
   */
  ttlMs?: number | undefined;
  /** Time after which an idle connection is closed, in milliseconds, from 1; or `Infinity`. @defaultValue 30 000 */
  idleTimeoutMs?: number | undefined;
  /**
   * Age at which a connection is closed, in milliseconds, from 1; or `Infinity`. A leased connection is closed when it
   * is released. @defaultValue 1 800 000 (30 minutes)
   */
  maxLifetimeMs?: number | undefined;
  /**
   * Share of `maxLifetimeMs`, from 0 to 1, by which the lifetime of each connection is shortened at most, at random,
   * so that connections opened together do not all close together. @defaultValue 0.1
   */
  maxLifetimeJitter?: number | undefined;
  /** Timeout of `acquire` including its dial, in milliseconds, from 1; or `Infinity`. @defaultValue 30 000 */
  acquireTimeoutMs?: number | undefined;
  /** Acquires per target that may wait without a dial of their own, from 0. @defaultValue `Infinity` */
  maxWaiting?: number | undefined;
  /**
   * Reports whether an idle connection may be leased; unless it returns `true`, the connection is closed. Called before
   * each lease of an idle connection, so it must be quick and cannot use the network. A throw or any other result,
   * including a promise, closes the connection and emits one warning. @defaultValue every connection may be leased
   */
  validate?: ((conn: C) => boolean) | undefined;
  /** Observers of the pool: hooks, functions that return hooks for the pool, or an array of both. @defaultValue none */
  trace?: PoolTraceLike | undefined;
  /** Source of time, for tests. @defaultValue the system's monotonic clock */
  clock?: Clock | undefined;
  /** Source of random numbers from 0 to below 1, for tests. @defaultValue `Math.random` */
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

/** {@link PoolOptions}, checked and completed, without the dialer and the observers. */
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

/** Checks the options and fills in the defaults. Throws a RangeError or TypeError that names the option. */
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
  const settings = {
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
    random,
  };
  checkDialer("pool: dialer", dialer);
  if (trace !== undefined) checkPoolTrace("pool: trace", trace);
  checkSettings(settings);
  return { ...settings, clock: checkedClock("pool: clock", clock), random: checkedRandom("pool: random", random) };
}

function checkSettings<C extends Duplex>(settings: PoolSettings<C>): void {
  const { maxOpen, maxIdle, minIdle, maxLifetimeJitter, maxWaiting, validate } = settings;
  checkCount("pool: maxOpen", maxOpen);
  checkCount("pool: maxIdle", maxIdle, 0);
  checkCount("pool: minIdle", minIdle, 0);
  if (minIdle > Math.min(maxIdle, maxOpen, Number.MAX_SAFE_INTEGER)) {
    throw invalid(
      RangeError,
      `pool: minIdle must not be above maxIdle (${maxIdle}) or maxOpen (${maxOpen}), got ${minIdle}`,
    );
  }
  checkDurationOrNone("pool: ttlMs", settings.ttlMs);
  checkDurationOrNone("pool: idleTimeoutMs", settings.idleTimeoutMs);
  checkDurationOrNone("pool: maxLifetimeMs", settings.maxLifetimeMs);
  checkDurationOrNone("pool: acquireTimeoutMs", settings.acquireTimeoutMs);
  checkRatio("pool: maxLifetimeJitter", maxLifetimeJitter);
  checkCount("pool: maxWaiting", maxWaiting, 0);
  if (validate !== undefined) checkFunction("pool: validate", validate);
  checkFunction("pool: random", settings.random);
}

function checkDurationOrNone(option: string, value: unknown): void {
  if (value !== Number.POSITIVE_INFINITY) checkDuration(option, value);
}
