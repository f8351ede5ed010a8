import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import {
  type Clock,
  compose,
  type DialOptions,
  type RetryOptions,
  retryBudget,
  withRetry,
  withTimeout,
} from "../../../src/index.ts";
import { scriptedDialer } from "../../../src/testing.ts";
import { connection, turns } from "../../support/contract.ts";
import {
  expecting,
  type Given,
  harmless,
  passedOn,
  refused,
  timesOut,
  type UserFunction,
  wrapped,
} from "../../support/user-functions.ts";
import { allRefused, alwaysDown, downOnce, number, told, used } from "./expected.ts";

const retrying = (timeoutMs: number, options: RetryOptions, ofDial: DialOptions<Duplex> = {}) =>
  used(compose(withTimeout({ timeoutMs }), withRetry(options), downOnce())("h:1", ofDial));

const quick = { initialBackoffMs: 1, maxBackoffMs: 1 };

const predicate = (name: string) => ({
  right: () => true,
  callsWhenRefused: 1,
  expected: {
    ...allRefused(`${name} must return true or false, or a promise of one`),
    "returns a rejecting promise": passedOn,
    "returns a promise of the right value": harmless,
    "returns a promise that never settles": timesOut,
  },
});

const wait = { right: () => 1, expected: number("^backoff\\(1, error\\) must be a number of milliseconds") };

/** A clock whose timers fire even if the wrapped function misbehaves. */
const clockWith = (changed: Partial<Clock>): Clock => ({
  now: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
  ...changed,
});

const time = (what: string) => ({
  ...allRefused(`${what} must return a finite number of milliseconds`),
  "returns a negative number": harmless,
  "returns a number that is too large": harmless,
});

export const retryFunctions: readonly UserFunction[] = [
  {
    name: "withRetry: backoff",
    ...wait,
    run: (backoff: Given, timeoutMs) => retrying(timeoutMs, { backoff }),
  },
  {
    name: "withRetry: backoff before the first attempt",
    right: () => 1,
    expected: number("^backoff\\(0, error\\) must be a number of milliseconds"),
    run: (backoff: Given, timeoutMs) => retrying(timeoutMs, { backoff, backoffBeforeFirst: true }),
  },
  {
    name: "withRetry: shouldRetry",
    ...predicate("withRetry: shouldRetry"),
    run: (shouldRetry: Given, timeoutMs) => retrying(timeoutMs, { shouldRetry, ...quick }),
  },
  {
    name: "withRetry: random",
    right: () => 0.5,
    expected: number("^withRetry: random must return a number from 0 to 1"),
    run: (random: Given, timeoutMs) => retrying(timeoutMs, { random, ...quick }),
  },
  {
    name: "dial: backoff",
    ...wait,
    run: (backoff: Given, timeoutMs) => retrying(timeoutMs, {}, { backoff }),
  },
  {
    name: "dial: shouldRetry",
    ...predicate("dial: shouldRetry"),
    run: (shouldRetry: Given, timeoutMs) => retrying(timeoutMs, quick, { shouldRetry }),
  },
  {
    name: "dial: handshake",
    right: (conn) => conn,
    expected: {
      ...allRefused("handshake must resolve with the connection to hand out,", "DialError"),
      throws: wrapped,
      "returns a rejecting promise": wrapped,
      "returns a promise of the right value": harmless,
      "returns a promise that never settles": timesOut,
    },
    run: (handshake: Given, timeoutMs) =>
      used(compose(withTimeout({ timeoutMs }), withRetry(quick), scriptedDialer())("h:1", { handshake })),
  },
  {
    name: "dial: clock.now",
    right: () => performance.now(),
    expected: time("dial: clock.now\\(\\)"),
    run: (now: Given, timeoutMs) => retrying(timeoutMs, quick, { clock: clockWith({ now }) }),
  },
  {
    name: "dial: clock.setTimeout",
    right: () => ({}),
    expected: expecting(harmless, { throws: passedOn }),
    run: (given: Given) => {
      const started = (callback: () => void, ms: number) => {
        setTimeout(callback, ms);
        return given();
      };
      const dial = compose(withRetry(quick), downOnce());
      return used(dial("h:1", { clock: clockWith({ setTimeout: started }) }));
    },
  },
  {
    name: "dial: clock.clearTimeout",
    right: () => {},
    expected: told(/a clock's clearTimeout\(\)/),
    run: (given: Given, timeoutMs) => {
      const clearTimeout_ = (timer: unknown) => {
        clearTimeout(timer as NodeJS.Timeout);
        return given();
      };
      return retrying(timeoutMs, quick, { clock: clockWith({ clearTimeout: clearTimeout_ }) });
    },
  },
  {
    name: "withRetry: budget.deposit",
    right: () => undefined,
    expected: {
      ...allRefused("withRetry: budget.deposit\\(\\) must not return a promise"),
      "returns undefined": harmless,
      "returns NaN": harmless,
      "returns a negative number": harmless,
      "returns a number that is too large": harmless,
    },
    run: (deposit: Given, timeoutMs) =>
      retrying(timeoutMs, { ...quick, budget: { ...retryBudget(), ...budgetWith({ deposit }) } }),
  },
  {
    name: "withRetry: budget.withdraw",
    right: () => ({ refund() {} }),
    expected: {
      ...allRefused("withRetry: budget.withdraw\\(\\) must return a withdrawal with refund\\(\\), or undefined"),
      // No retries remain.
      "returns undefined": { outcome: "rejects", name: "DialError", message: /ECONNREFUSED/ },
    },
    run: (withdraw: Given, timeoutMs) => retrying(timeoutMs, { ...quick, budget: budgetWith({ withdraw }) }),
  },
  {
    name: "withRetry: budget.withdraw().refund",
    right: () => {},
    expected: told(/a retry budget's refund\(\)/),
    async run(refund: Given) {
      const controller = new AbortController();
      const budget = budgetWith({ withdraw: () => ({ refund }) });
      const dial = compose(withRetry({ budget, backoff: () => 10_000 }), alwaysDown());
      const dialing = dial("h:1", { signal: controller.signal });
      await turns();
      controller.abort("enough");
      await assert.rejects(dialing, (error) => error === "enough");
    },
  },
  {
    name: "retryBudget: clock.now",
    right: () => performance.now(),
    expected: time("retryBudget: clock.now\\(\\)"),
    run: (now: Given, timeoutMs) => {
      return retrying(timeoutMs, { ...quick, budget: retryBudget({ clock: clockWith({ now }) }) });
    },
  },
  {
    name: "compose: base dialer",
    right: () => connection(),
    expected: {
      ...allRefused("compose: the last layer must resolve with a connection,", "DialError"),
      throws: wrapped,
      "returns a rejecting promise": wrapped,
      "returns a promise of the right value": harmless,
      "returns a promise that never settles": timesOut,
    },
    run: (base: Given, timeoutMs) => used(compose(withTimeout({ timeoutMs }), withRetry(quick), base)("h:1")),
  },
  {
    name: "compose: middleware",
    right: (next) => next,
    expected: expecting(
      refused(/^compose: layer 2 returned (a function|an object|a promise|\S+) instead of a dialer/),
      {
        throws: passedOn,
      },
    ),
    run: async (middleware: Given, timeoutMs) =>
      used(compose(withTimeout({ timeoutMs }), middleware, scriptedDialer())("h:1")),
  },
  {
    name: "compose: a middleware's dialer",
    right: () => connection(),
    expected: {
      ...allRefused("compose: a layer must resolve with a connection,"),
      throws: wrapped,
      "returns a rejecting promise": wrapped,
      "returns a promise of the right value": harmless,
      "returns a promise that never settles": timesOut,
    },
    run: (given: Given, timeoutMs) =>
      used(
        compose(
          withTimeout({ timeoutMs }),
          withRetry({ ...quick, maxAttempts: 2 }),
          () => given,
          scriptedDialer(),
        )("h:1"),
      ),
  },
];

function budgetWith(changed: object) {
  const budget = retryBudget();
  return {
    deposit: (clock?: Clock) => budget.deposit(clock),
    withdraw: (clock?: Clock) => budget.withdraw(clock),
    balance: () => budget.balance(),
    stats: () => budget.stats(),
    ...changed,
  };
}
