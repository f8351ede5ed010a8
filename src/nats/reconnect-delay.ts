import { type BackoffFunction, createBackoff } from "../async/backoff.ts";
import { returnedWait } from "../support/returned.ts";
import { checkDuration, checkFunction } from "../support/validate.ts";

export interface ReconnectDelayOptions {
  /**
   * Computes the wait in milliseconds before each attempt to reconnect: from its number since the
   * connection was lost, from 1, and the error of the last one, or of the loss. From 0 to 2^31-1; may throw to stop.
   * What it throws, or any other value, closes the client with that error. It takes the place of
   * `reconnectTimeWait`, `reconnectJitter` and `reconnectJitterTLS`.
   * @defaultValue full jitter over 250 ms, doubling to 4 s, the first attempt included: when a server
   * goes down, its clients don't come back all at once
   */
  reconnectDelayHandler?: BackoffFunction | undefined;
}

/** The client's own rule: `reconnectTimeWait`, with its jitter, since the last try of the same server. */
interface StockOptions {
  readonly reconnectTimeWait?: number | undefined;
  readonly reconnectJitter?: number | undefined;
  readonly reconnectJitterTLS?: number | undefined;
  readonly tls?: unknown;
}

const stockOptions = ["reconnectTimeWait", "reconnectJitter", "reconnectJitterTLS"] as const;

/** A {@link BackoffFunction} that is also told how long ago the same server was tried; `Infinity` where it never was. */
export type ReconnectDelay = (attempt: number, error: unknown, sinceLastTryMs: number) => number;

/**
 * The wait before each attempt to reconnect: by `reconnectDelayHandler`, or by the client's own rule where
 * its options are given. The library keeps its rule by waits that a close can't end (in `nats` 2.x), so it is kept here.
 *
 * @param random - source of randomness, from 0 to below 1. For tests and simulations.
 * @throws TypeError or RangeError naming the option that can't be used.
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function reconnectDelay(options: ReconnectDelayOptions & StockOptions, random = Math.random): ReconnectDelay {
  const given = options.reconnectDelayHandler;
  const stock = stockOptions.find((name) => options[name] !== undefined);
  if (given === undefined) {
    return stock === undefined
      ? createBackoff({ initialBackoffMs: 250, maxBackoffMs: 4_000, random })()
      : sinceLastTry(options, random);
  }
  checkFunction("connect: reconnectDelayHandler", given);
  // It takes their place, as the library; a value that could not be used is refused all the same.
  sinceLastTry(options, random);
  return (attempt, error) => returnedWait(`connect: reconnectDelayHandler(${attempt}, error)`, given(attempt, error));
}

function sinceLastTry(
  { reconnectTimeWait = 2_000, reconnectJitter = 100, reconnectJitterTLS = 1_000, tls }: StockOptions,
  random: () => number,
): ReconnectDelay {
  checkDuration("connect: reconnectTimeWait", reconnectTimeWait, 0);
  checkDuration("connect: reconnectJitter", reconnectJitter, 0);
  checkDuration("connect: reconnectJitterTLS", reconnectJitterTLS, 0);
  const jitter = tls ? reconnectJitterTLS : reconnectJitter;
  return (_attempt, _error, sinceLastTryMs) => Math.max(0, reconnectTimeWait + random() * jitter - sinceLastTryMs);
}
