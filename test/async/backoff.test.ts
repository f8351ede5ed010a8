import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type BackoffOptions, createBackoff, type Jitter } from "../../src/async/backoff.ts";

const waits = (options: BackoffOptions, count = 6) => {
  const backoff = createBackoff(options)();
  return Array.from({ length: count }, (_, index) => backoff(index + 1, new Error("no")));
};
/** Returns the numbers in turn, repeatedly. */
const random = (...numbers: number[]) => {
  let next = 0;
  return () => numbers[next++ % numbers.length] as number;
};

const tables: readonly (readonly [string, BackoffOptions, readonly number[]])[] = [
  ["by default grows twofold from 100 ms, in full", { random: () => 0.5 }, [50, 100, 200, 400, 800, 1600]],
  ["exponential, no jitter", { jitter: "none" }, [100, 200, 400, 800, 1600, 3200]],
  ["never longer than maxBackoffMs", { jitter: "none", maxBackoffMs: 500 }, [100, 200, 400, 500, 500, 500]],
  ["grows by the multiplier", { jitter: "none", initialBackoffMs: 1, backoffMultiplier: 3 }, [1, 3, 9, 27, 81, 243]],
  ["grows not at all by 1", { jitter: "none", backoffMultiplier: 1 }, [100, 100, 100, 100, 100, 100]],
  ["no wait at all", { jitter: "none", initialBackoffMs: 0 }, [0, 0, 0, 0, 0, 0]],
  ["constant, no jitter", { backoff: "constant", jitter: "none", initialBackoffMs: 70 }, [70, 70, 70, 70, 70, 70]],
  ["constant, full jitter", { backoff: "constant", random: random(0, 0.5, 0.9) }, [0, 50, 90, 0, 50, 90]],
  ["constant, capped", { backoff: "constant", jitter: "none", maxBackoffMs: 40 }, [40, 40, 40, 40, 40, 40]],
  ["full jitter at its bottom", { random: () => 0 }, [0, 0, 0, 0, 0, 0]],
  ["full jitter near its top", { random: () => 0.99 }, [99, 198, 396, 792, 1584, 3168]],
  ["equal jitter at its bottom", { jitter: "equal", random: () => 0 }, [50, 100, 200, 400, 800, 1600]],
  ["equal jitter in its middle", { jitter: "equal", random: () => 0.5 }, [75, 150, 300, 600, 1200, 2400]],
  ["decorrelated at its bottom", { jitter: "decorrelated", random: () => 0 }, [100, 100, 100, 100, 100, 100]],
  [
    "decorrelated in its middle",
    { jitter: "decorrelated", random: () => 0.5 },
    [200, 350, 575, 912.5, 1418.75, 2178.125],
  ],
  [
    "decorrelated, capped and falling again",
    { jitter: "decorrelated", maxBackoffMs: 1000, random: random(1, 1, 1, 0) },
    [300, 900, 1000, 100, 300, 900],
  ],
];

describe("createBackoff", () => {
  for (const [what, options, expected] of tables) {
    test(what, () => assert.deepEqual(waits(options), expected));
  }

  test("createBackoff returns finite delays when growth overflows, even for an initial backoff of 0", () => {
    for (const jitter of ["none", "full", "equal", "decorrelated"] as const) {
      for (const initialBackoffMs of [0, 0.001, 1, 100]) {
        const backoff = createBackoff({ jitter, initialBackoffMs, random: () => 0.5 })();
        for (const attempt of [1000, 1024, 1025, 5000, 2 ** 40]) {
          const wait = backoff(attempt, undefined);
          assert.ok(wait >= 0 && wait <= 10_000, `${jitter} from ${initialBackoffMs}: ${wait}`);
        }
      }
    }
  });

  test("createBackoff uses the defaults for undefined options", () => {
    const unset = {
      backoff: undefined,
      initialBackoffMs: undefined,
      backoffMultiplier: undefined,
      maxBackoffMs: undefined,
    };
    assert.deepEqual(waits({ ...unset, random: () => 0.5, jitter: undefined }), waits({ random: () => 0.5 }));
  });

  test("decorrelated jitter does not carry over delays between dials", () => {
    const newBackoff = createBackoff({ jitter: "decorrelated", random: () => 0.999 });
    const first = newBackoff();
    first(1, undefined);
    first(2, undefined);
    assert.equal(newBackoff()(1, undefined), 100 + 0.999 * 200);
  });

  test("delays are within the range of their jitter for any options and random numbers", () => {
    const option = fc.record({
      initialBackoffMs: fc.integer({ min: 0, max: 1000 }),
      maxBackoffMs: fc.double({ min: 1000, max: 100_000, noNaN: true }),
      backoffMultiplier: fc.double({ min: 1, max: 10, noNaN: true }),
      jitter: fc.constantFrom<Jitter>("none", "full", "equal", "decorrelated"),
      backoff: fc.constantFrom("exponential" as const, "constant" as const),
    });
    const dice = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(option, dice, (options, numbers) => {
        const { initialBackoffMs: first, maxBackoffMs: most, backoffMultiplier, backoff, jitter } = options;
        const made = waits({ ...options, random: random(...numbers) }, 20);
        made.forEach((wait, index) => {
          const base = Math.min(most, first * (backoff === "constant" ? 1 : backoffMultiplier ** index));
          const before = index === 0 ? first : (made[index - 1] as number);
          const [low, high] = {
            none: [base, base],
            full: [0, base],
            equal: [base / 2, base],
            decorrelated: [Math.min(first, most), Math.min(most, Math.max(first, before * 3))],
          }[jitter] as [number, number];
          assert.ok(wait >= low - 1e-9 && wait <= high + 1e-9, `${jitter}: ${wait} is not from ${low} to ${high}`);
        });
      }),
    );
  });
});

describe("backoff function", () => {
  test("a backoff function is called with the failed attempt and its error, and its result is used unchanged", () => {
    const asked: unknown[] = [];
    const backoff = createBackoff({
      backoff: (attempt, error) => {
        asked.push([attempt, error]);
        return 7;
      },
    })();
    const error = new Error("no");
    assert.equal(backoff(3, error), 7);
    assert.deepEqual(asked, [[3, error]]);
  });

  for (const bad of [Number.NaN, -1, Number.POSITIVE_INFINITY, 2 ** 31, "5", undefined, null]) {
    test(`a backoff function that returns ${String(bad)} is rejected`, () => {
      const backoff = createBackoff({ backoff: () => bad as number })();
      assert.throws(() => backoff(2, undefined), {
        name: "RangeError",
        message: `backoff(2, error) must be a number of milliseconds from 0 to 2147483647, got ${typeof bad === "string" ? '"5"' : bad}`,
      });
    });
  }

  for (const name of ["initialBackoffMs", "backoffMultiplier", "maxBackoffMs"] as const) {
    test(`a backoff function cannot be combined with ${name}`, () => {
      assert.throws(() => createBackoff({ backoff: () => 1, [name]: 5 }), {
        name: "TypeError",
        message: `${name} has no effect when backoff is a function: leave it out`,
      });
    });
  }

  test("a backoff function cannot be combined with jitter", () => {
    assert.throws(() => createBackoff({ backoff: () => 1, jitter: "none" }), /^TypeError: jitter has no effect/);
  });
});

describe("invalid options of createBackoff", () => {
  const refused: readonly (readonly [BackoffOptions, string])[] = [
    ...[Number.NaN, -1, Number.POSITIVE_INFINITY, 2 ** 31].flatMap((value): [BackoffOptions, string][] => [
      [
        { initialBackoffMs: value },
        `initialBackoffMs must be a number of milliseconds from 0 to 2147483647, got ${value}`,
      ],
      [{ maxBackoffMs: value }, `maxBackoffMs must be a number of milliseconds from 0 to 2147483647, got ${value}`],
    ]),
    ...[Number.NaN, 0, 0.99, -2, Number.POSITIVE_INFINITY].map((value): [BackoffOptions, string] => [
      { backoffMultiplier: value },
      `backoffMultiplier must be a number of at least 1, got ${value}`,
    ]),
    [
      { initialBackoffMs: "100" as never },
      'initialBackoffMs must be a number of milliseconds from 0 to 2147483647, got "100"',
    ],
    [{ jitter: "some" as never }, 'jitter must be one of none, full, equal, decorrelated, got "some"'],
    [{ backoff: "linear" as never }, 'backoff must be one of exponential, constant, got "linear"'],
    [{ backoff: null as never }, "backoff must be one of exponential, constant, got null"],
    [{ maxBackoffMs: 99 }, "maxBackoffMs must not be below initialBackoffMs (100), got 99"],
  ];
  for (const [options, message] of refused) {
    test(`createBackoff throws "${message}"`, () =>
      assert.throws(() => createBackoff(options), { name: "RangeError", message }));
  }

  test("createBackoff rejects a random option that is not a function", () => {
    assert.throws(() => createBackoff({ random: 5 as never }), {
      name: "TypeError",
      message: "random must be a function, got 5",
    });
  });
});
