import { ConsecutiveBreaker } from "cockatiel";
import { type BreakerOptions, withBreaker } from "../../../src/breaker.ts";
import { compose, withRetry, withTimeout } from "../../../src/index.ts";
import { scriptedDialer } from "../../../src/testing.ts";
import { expecting, refused, type UserFunction, warned, wrapped } from "../../support/user-functions.ts";
import { allRefused, alwaysDown, beneathRetry, failing, number, told, used } from "./expected.ts";

const quick = { backoff: () => 1 };
const breaker = { consecutive: 1 };

/** Opens the breaker beneath a retry, which must not retry an error about a returned value. */
const opening = (options: BreakerOptions, timeoutMs: number) =>
  failing(compose(withTimeout({ timeoutMs }), withRetry(quick), withBreaker(options), alwaysDown())("h:1"));

export const breakerFunctions: readonly UserFunction[] = [
  {
    name: "withBreaker: breaker",
    right: () => new ConsecutiveBreaker(5),
    expected: expecting(refused(/withBreaker: breaker\(\) must return a cockatiel breaker, got /), {
      throws: wrapped,
    }),
    run: (make, timeoutMs) =>
      used(
        compose(withTimeout({ timeoutMs }), withRetry(quick), withBreaker({ breaker: make }), scriptedDialer())("h:1"),
      ),
  },
  {
    name: "withBreaker: breaker().success",
    right: () => undefined,
    expected: told(/a breaker's strategy/),
    run(success, timeoutMs) {
      const layer = withBreaker({ breaker: () => ({ success, failure: () => false }) });
      return used(compose(withTimeout({ timeoutMs }), layer, scriptedDialer())("h:1"));
    },
  },
  {
    name: "withBreaker: breaker().failure",
    right: () => true,
    expected: expecting(warned(/a breaker's strategy/)),
    run: (failure, timeoutMs) => opening({ breaker: () => ({ success() {}, failure }) }, timeoutMs),
  },
  {
    name: "withBreaker: halfOpenAfterMs",
    right: () => 1_000,
    expected: beneathRetry(number("withBreaker: halfOpenAfterMs\\(1, error\\) must be a number of milliseconds")),
    run: (halfOpenAfterMs, timeoutMs) => opening({ breaker, halfOpenAfterMs }, timeoutMs),
  },
  {
    name: "withBreaker: random",
    right: () => 0.5,
    expected: beneathRetry(number("withBreaker: random must return a number from 0 to 1")),
    run: (random, timeoutMs) => opening({ breaker, random }, timeoutMs),
  },
  {
    name: "withBreaker: random beside a number",
    right: () => 0.5,
    expected: beneathRetry(number("withBreaker: random must return a number from 0 to 1")),
    run: (random, timeoutMs) => opening({ breaker, halfOpenAfterMs: 1_000, jitter: "full", random }, timeoutMs),
  },
  {
    name: "withBreaker: countsAsFailure",
    right: () => true,
    expected: beneathRetry(allRefused("withBreaker: countsAsFailure must return true or false")),
    run: (countsAsFailure, timeoutMs) => opening({ breaker, countsAsFailure }, timeoutMs),
  },
];
