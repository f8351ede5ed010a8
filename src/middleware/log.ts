import type { Middleware } from "../core/dialer.ts";
import { formatAddress, formatDuration } from "../core/format.ts";
import type { DialTrace } from "../core/trace.ts";
import { asObserver } from "../engine/layer-info.ts";
import { attach } from "../engine/observe.ts";
import { recordDials } from "../record/dial-record.ts";
import { leastColumns, waterfall } from "../record/waterfall.ts";
import { messageOf } from "../support/message.ts";
import { printable } from "../support/printable.ts";
import { markFactories } from "../support/roles.ts";
import { notify } from "../support/user-call.ts";
import { checkBoolean, checkCount, checkOptions, invalid, show } from "../support/validate.ts";

/**
 * Receives log lines; `console` is a logger. An error that a method throws, or rejects with, emits one process warning and
 * does not affect the dial.
 */
export interface Logger {
  /** Logs progress and success. */
  info(line: string): void;
  /** Logs failures and retries. */
  warn(line: string): void;
}

/** Options of {@link withLog}. */
export interface LogOptions {
  /**
   * Logs a waterfall of each dial when it ends, as one text of several lines, instead of one line per address and one for
   * the result. @defaultValue false
   */
  pretty?: boolean | undefined;
  /** Colors the waterfalls. @defaultValue true for `console` on a terminal with colors, unless `NO_COLOR` is set */
  colors?: boolean | undefined;
  /** Width of the waterfalls in characters. @defaultValue the terminal's width, or 80 */
  columns?: number | undefined;
}

/**
 * Logs the dials and connections beneath it in readable lines: each connect with its duration, each retry with its delay
 * and reason, and each closed connection with its byte counts. A dial can skip the log:
 * `dial(target, { skip: ["log"] })`.
 *
 * @param logger - receives the lines. @defaultValue `console`
 * @throws TypeError or RangeError at construction, naming the option, or when the logger has no `info` or `warn`.
 * @example
 * const dial = compose(withLog(), withRetry(), tcp());
 */
export function withLog(logger: Logger = console, options: LogOptions = {}): Middleware {
  if (typeof logger?.info !== "function" || typeof logger.warn !== "function") {
    throw invalid(TypeError, `withLog: logger must have the methods info and warn, got ${show(logger)}`);
  }
  checkOptions("withLog", options, { pretty: true, colors: true, columns: true });
  const { pretty = false, colors, columns } = options;
  checkBoolean("withLog: pretty", pretty);
  if (colors !== undefined) checkBoolean("withLog: colors", colors);
  if (columns !== undefined) checkCount("withLog: columns", columns, leastColumns);

  const safeLogger = guardedLogger("withLog", logger);
  const lineLogger: Logger = {
    info: (line) => safeLogger.info(printable(line)),
    warn: (line) => safeLogger.warn(printable(line)),
  };
  const place = { factory: "withLog", name: "log", into: logger };
  if (!pretty) {
    const hooks = { ...connectLines(lineLogger), ...commonLines(lineLogger), ...endLines(lineLogger) };
    return attach(hooks, { name: "log", place });
  }
  const lines = attach(commonLines(lineLogger), { name: "log", place });
  const pictures = attach(
    recordDials((record) => {
      const failed = record.outcome === "failure";
      const terminal = failed ? process.stderr : process.stdout;
      const text = waterfall(record, {
        columns: columns ?? Math.max(leastColumns, terminal.columns ?? 80),
        colors: colors ?? (logger === console && terminal.isTTY && terminal.hasColors()),
      });
      if (failed) safeLogger.warn(text);
      else safeLogger.info(text);
    }),
    { name: "log" },
  );
  return asObserver((next) => lines(pictures(next)));
}

/** @internal Wraps a user's logger: an error emits one process warning, which names `owner`. */
export function guardedLogger(owner: string, logger: Logger): Logger {
  return {
    info: (text) => notify(`${owner}'s logger.info()`, () => logger.info(text)),
    warn: (text) => notify(`${owner}'s logger.warn()`, () => logger.warn(text)),
  };
}
markFactories({ withLog });

/** Lines about each address. */
function connectLines(logger: Logger): DialTrace {
  return {
    connectStart: ({ address }) => logger.info(`connecting to ${formatAddress(address)}`),
    connectDone: ({ address, outcome, durationMs, error }) => {
      const name = formatAddress(address);
      if (outcome === "success") logger.info(`connected to ${name} in ${formatDuration(durationMs)}`);
      if (outcome === "failure") logger.warn(`could not connect to ${name}: ${messageOf(error)}`);
    },
  };
}

/** Lines about the result of a dial. */
function endLines(logger: Logger): DialTrace {
  return {
    dialDone: ({ target, outcome, durationMs, attempts, error }) => {
      const tries = attempts > 1 ? ` after ${attempts} attempts` : "";
      const took = formatDuration(durationMs);
      if (outcome === "success") logger.info(`connection to ${target} established in ${took}${tries}`);
      if (outcome === "failure") logger.warn(`gave up on ${target} in ${took}${tries}: ${messageOf(error)}`);
      if (outcome === "canceled") logger.info(`dial to ${target} canceled after ${took}`);
    },
  };
}

/** Lines that do not depend on `pretty`. */
function commonLines(logger: Logger): DialTrace {
  return {
    retryScheduled: ({ target, attempt, delayMs, reason }) =>
      logger.warn(`attempt ${attempt} to dial ${target} in ${formatDuration(delayMs)} because: ${reason}`),
    startDelayed: ({ target, delayMs }) => logger.info(`dial to ${target} starts in ${formatDuration(delayMs)}`),
    failover: ({ from, to, reason }) => logger.warn(`failing over from ${from} to ${to} because: ${reason}`),
    breakerChange: ({ target, state }) => {
      const line = `the breaker of ${target} is ${state.replace("_", " ")}`;
      if (state === "open") logger.warn(line);
      else logger.info(line);
    },
    limitWait({ target, limit, durationMs, outcome, error }) {
      const waited = `${formatDuration(durationMs)} at its ${limit} limit`;
      if (outcome === "success") logger.info(`dial to ${target} waited ${waited}`);
      if (outcome === "failure") logger.warn(`dial to ${target} failed after waiting ${waited}: ${messageOf(error)}`);
    },
    connClosed: ({ target, reason, durationMs, bytesRead, bytesWritten }) => {
      const lived = `${formatDuration(durationMs)} (${reason})`;
      logger.info(`connection to ${target} closed after ${lived}, ${bytesRead} B in, ${bytesWritten} B out`);
    },
  };
}
