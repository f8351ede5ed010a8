import type { Middleware } from "../core/dialer.ts";
import { messageOf } from "../core/errors.ts";
import { attach } from "../core/observe.ts";
import type { Address, DialTrace } from "../core/trace.ts";
import { show } from "../core/validate.ts";

/** Where the lines go. `console` is one. */
export interface Logger {
  info(line: string): void;
  warn(line: string): void;
}

/**
 * Logs, in lines for people, the dials and connections beneath it: what is being connected to, how
 * long it took, which attempt comes when and why, when a connection closed and how much it carried.
 *
 * @param logger - @defaultValue `console`
 * @throws TypeError at construction, when the logger has no `info` or `warn`.
 */
export function withLog(logger: Logger = console): Middleware {
  if (typeof logger?.info !== "function" || typeof logger.warn !== "function") {
    throw new TypeError(`withLog: logger must have the methods info and warn, got ${show(logger)}`);
  }
  const hooks: DialTrace = {
    connectStart: ({ address }) => logger.info(`connecting to ${format(address)}`),
    connectDone: ({ address, outcome, durationMs, error }) => {
      if (outcome === "success") logger.info(`connected to ${format(address)} in ${ms(durationMs)}`);
      if (outcome === "failure") logger.warn(`could not connect to ${format(address)}: ${messageOf(error)}`);
    },
    retryScheduled: ({ target, attempt, delayMs, reason }) =>
      logger.warn(`attempt ${attempt} to dial ${target} in ${ms(delayMs)} because: ${reason}`),
    dialDone: ({ target, outcome, durationMs, attempts, error }) => {
      const tries = attempts > 1 ? ` after ${attempts} attempts` : "";
      if (outcome === "success") logger.info(`connection to ${target} established in ${ms(durationMs)}${tries}`);
      if (outcome === "failure") logger.warn(`gave up on ${target} in ${ms(durationMs)}${tries}: ${messageOf(error)}`);
      if (outcome === "canceled") logger.info(`dial to ${target} canceled after ${ms(durationMs)}`);
    },
    connClosed: ({ target, reason, durationMs, bytesRead, bytesWritten }) =>
      logger.info(
        `connection to ${target} closed after ${ms(durationMs)} (${reason}), ${bytesRead} B in, ${bytesWritten} B out`,
      ),
  };
  return attach(hooks);
}

function format({ address, port, family }: Address): string {
  if (family === "unix") return `unix:${address}`;
  return family === "ipv6" ? `[${address}]:${port}` : `${address}:${port}`;
}

function ms(duration: number): string {
  if (duration >= 10_000) return `${(duration / 1000).toFixed(1)} s`;
  return `${duration < 10 ? duration.toFixed(1) : Math.round(duration)} ms`;
}
