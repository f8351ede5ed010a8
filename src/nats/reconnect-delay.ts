import { type BackoffFunction, createBackoff } from "../core/backoff.ts";
import { checkDuration, checkFunction } from "../core/validate.ts";

export interface ReconnectDelayOptions {
  /**
   * Computes the wait in milliseconds before each attempt to reconnect: from its number since the
   * connection was lost, from 1, and the error of the last one, or of the loss.
   * @defaultValue full jitter over 250 ms, doubling to 4 s, the first attempt included: when a server
   * goes down, its clients don't come back all at once
   */
  reconnectDelayHandler?: BackoffFunction | undefined;
}

const stockOptions = ["reconnectTimeWait", "reconnectJitter", "reconnectJitterTLS"] as const;

/**
 * The wait before each attempt to reconnect, or `undefined` where the client's own rule was asked for:
 * `reconnectTimeWait`, with its jitter, since the last try of the same server.
 *
 * @throws TypeError when both were.
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function reconnectDelay(
  options: ReconnectDelayOptions & Readonly<Partial<Record<(typeof stockOptions)[number], unknown>>>,
): BackoffFunction | undefined {
  const given = options.reconnectDelayHandler;
  const stock = stockOptions.find((name) => options[name] !== undefined);
  if (given === undefined) {
    return stock === undefined ? createBackoff({ initialBackoffMs: 250, maxBackoffMs: 4_000 })() : undefined;
  }
  checkFunction("connect: reconnectDelayHandler", given);
  if (stock !== undefined) {
    throw new TypeError(`connect: ${stock} has no effect beside reconnectDelayHandler: leave one out`);
  }
  return (attempt, error) => {
    const wait = given(attempt, error);
    checkDuration(`reconnectDelayHandler(${attempt}, error)`, wait, 0);
    return wait;
  };
}
