import { type BackoffFunction, createBackoff } from "../async/backoff.ts";
import { returnedWait } from "../support/returned.ts";
import { checkDuration, checkFunction } from "../support/validate.ts";

/** Options for the delay before reconnect attempts. */
export interface ReconnectDelayOptions {
  /**
   * Returns the delay in milliseconds, 0 to 2^31-1, before each reconnect attempt. Its arguments are the number of the
   * attempt since the connection was lost, from 1, and the error of the last attempt or of the loss. An error that it
   * throws, or the error for any other return value, closes the client. Replaces `reconnectTimeWait`, `reconnectJitter`
   * and `reconnectJitterTLS`.
   * @defaultValue full jitter over 250 ms, doubling to 4 s, also before the first attempt, so that the clients of a lost
   * server do not return all at once
   */
  reconnectDelayHandler?: BackoffFunction | undefined;
}

/** Options of the library's rule: `reconnectTimeWait` with jitter since the last attempt at the same server. */
interface StockOptions {
  readonly reconnectTimeWait?: number | undefined;
  readonly reconnectJitter?: number | undefined;
  readonly reconnectJitterTLS?: number | undefined;
  readonly tls?: unknown;
}

const stockOptions = ["reconnectTimeWait", "reconnectJitter", "reconnectJitterTLS"] as const;

/** A {@link BackoffFunction} that also receives the time since the last attempt at the server; `Infinity` if there was none. */
export type ReconnectDelay = (attempt: number, error: unknown, sinceLastTryMs: number) => number;

/**
 * Returns the delay before each reconnect attempt: by `reconnectDelayHandler`, or by the library's own rule if one of its
 * options is given. That rule is implemented here because a close cannot end the library's delays (in `nats` 2.x).
 *
 * @param random - source of randomness, from 0 to below 1. For tests and simulations.
 * @throws TypeError or RangeError naming the invalid option.
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
  // The handler replaces these options, as in the library. Invalid values are rejected even so.
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
