import type { Duplex } from "node:stream";
import { type Clock, compose, type PoolOptions, pool, withRetry, withTimeout } from "../../../src/index.ts";
import { scriptedDialer } from "../../../src/testing.ts";
import { connection, turns } from "../../support/contract.ts";
import {
  expecting,
  harmless,
  passedOn,
  timesOut,
  type UserFunction,
  warned,
  wrapped,
} from "../../support/user-functions.ts";
import { allRefused, alwaysDown, number, told } from "./expected.ts";

/** Acquires twice from a pool, with a release in between, and closes it. */
async function pooling(options: Partial<PoolOptions<Duplex>>): Promise<void> {
  await using connections = pool<Duplex>({ dialer: scriptedDialer(), ...options });
  for (let time = 0; time < 2; time += 1) {
    const lease = await connections.acquire("h:1");
    lease.release();
    lease.release();
  }
}

const clockWith = (changed: Partial<Clock>): Clock => ({
  now: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms).unref(),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
  ...changed,
});

export const poolFunctions: readonly UserFunction[] = [
  {
    name: "pool: dialer",
    right: () => connection(),
    expected: {
      ...allRefused("compose: a layer must resolve with a connection,", "DialError"),
      ...allRefused("compose: the last layer must resolve with a connection,", "DialError"),
      throws: wrapped,
      "returns a rejecting promise": wrapped,
      "returns a promise of the right value": harmless,
      "returns a promise that never settles": timesOut,
    },
    run: (given, timeoutMs) =>
      pooling({ dialer: compose(withTimeout({ timeoutMs }), withRetry({ backoff: () => 1 }), given) }),
  },
  {
    name: "pool: validate",
    right: () => true,
    expected: expecting(warned(/pool: validate/)),
    run: (validate) => pooling({ validate }),
  },
  {
    name: "pool: random",
    right: () => 0.5,
    expected: number("pool: random must return a number from 0 to below 1"),
    run: (random) => pooling({ random }),
  },
  {
    name: "pool: random for the waits of minIdle",
    right: () => 0.5,
    expected: expecting(warned(/pool: random/)),
    async run(random) {
      await using connections = pool<Duplex>({ dialer: alwaysDown(), minIdle: 1, random });
      await connections.acquire("h:1").catch(() => {});
      await turns();
    },
  },
  {
    name: "pool: clock.now",
    right: () => performance.now(),
    expected: {
      ...allRefused("pool: clock.now\\(\\) must return a finite number of milliseconds"),
      "returns a negative number": harmless,
      "returns a number that is too large": harmless,
    },
    run: async (now) => pooling({ clock: clockWith({ now }) }),
  },
  {
    name: "pool: clock.setTimeout",
    right: () => ({}),
    expected: expecting(harmless, { throws: passedOn }),
    run: async (given) => pooling({ clock: clockWith({ setTimeout: given }) }),
  },
  {
    name: "pool: clock.clearTimeout",
    right: () => {},
    expected: told(/a clock's clearTimeout\(\)/),
    run: async (given) => {
      const cleared = (timer: unknown) => {
        clearTimeout(timer as NodeJS.Timeout);
        return given();
      };
      await pooling({ clock: clockWith({ clearTimeout: cleared }) });
    },
  },
  {
    name: "pool: trace",
    right: () => undefined,
    expected: {
      ...told(/^an observer of pools threw/),
      "returns NaN": warned(/^an observer of pools threw/),
      "returns a negative number": warned(/^an observer of pools threw/),
      "returns a number that is too large": warned(/^an observer of pools threw/),
      "returns a promise of the right value": warned(/^an observer of pools threw/),
      "returns a promise that never settles": warned(/^an observer of pools threw/),
    },
    run: (trace) => pooling({ trace }),
  },
  ...(["acquireDone", "releaseDone", "evicted", "end"] as const).map(
    (hook): UserFunction => ({
      name: `pool: trace.${hook}`,
      right: () => {},
      expected: told(new RegExp(`a ${hook} hook`)),
      run: (given) => pooling({ trace: { [hook]: given } }),
    }),
  ),
];
