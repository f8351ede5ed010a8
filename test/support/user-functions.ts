import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { classify } from "../../src/core/classify.ts";
import { activeResources } from "./resources.ts";

/** The ways in which a user's function may misbehave. */
export const misbehaviors = [
  "throws",
  "returns a rejecting promise",
  "returns undefined",
  "returns NaN",
  "returns a negative number",
  "returns a number that is too large",
  "returns a promise of the right value",
  "returns a promise that never settles",
] as const;

export type Misbehavior = (typeof misbehaviors)[number];

/** The expected result. */
export interface Expected {
  readonly outcome: "resolves" | "rejects";
  /** Name of the error that the work rejects with. */
  readonly name?: string;
  /** Pattern of the error's message; for a refused value, the function and the value. */
  readonly message?: RegExp;
  /** Whether the error is the one that the function threw or rejected with. */
  readonly itself?: boolean;
  /** Whether the error's cause is the one that the function threw or rejected with. */
  readonly wraps?: boolean;
  /** Whether the error or one of its causes has the reason `config`, which is not retried. */
  readonly config?: boolean;
  /** A warning that must have been emitted. Each warning is emitted once, so another cell may have caused it. */
  readonly warns?: RegExp;
}

/** No effect. */
export const harmless: Expected = { outcome: "resolves" };

/** No effect except one warning per process. */
export const warned = (warns: RegExp): Expected => ({ outcome: "resolves", warns });

/** The work rejects with the error that the function threw or rejected with. */
export const passedOn: Expected = { outcome: "rejects", itself: true };

/** The work rejects with an error whose cause is the one that the function threw or rejected with. */
export const wrapped: Expected = { outcome: "rejects", wraps: true };

/** The work rejects with a timeout. */
export const timesOut: Expected = { outcome: "rejects", name: "DialTimeoutError", message: /timed out/ };

/** The work rejects with an error that names the function and the wrong value. */
export const refused = (message: RegExp, name = "TypeError"): Expected => ({
  outcome: "rejects",
  name,
  message,
  config: true,
});

/** A user's function of any type. */
export type Given = (...args: unknown[]) => never;

/** A user's function, with the expected results of its misbehaviors. */
export interface UserFunction {
  /** `factory: option`, as in errors. */
  readonly name: string;
  /** The correct implementation. */
  readonly right: (...given: never[]) => unknown;
  /**
   * Makes the package call `given`, and closes what was opened.
   *
   * @param timeoutMs - the timeout of the work; short if it is expected to pass.
   */
  readonly run: (given: Given, timeoutMs: number) => Promise<unknown>;
  /** How often it may be called when its result is refused. @defaultValue 1, because that is not retried */
  readonly callsWhenRefused?: number;
  readonly expected: Readonly<Record<Misbehavior, Expected>>;
}

/** Expectations for all misbehaviors: one for all, except for those named. */
export function expecting(
  all: Expected,
  others: Partial<Record<Misbehavior, Expected>> = {},
): Record<Misbehavior, Expected> {
  return Object.fromEntries(misbehaviors.map((misbehavior) => [misbehavior, others[misbehavior] ?? all])) as Record<
    Misbehavior,
    Expected
  >;
}

/** The error that a misbehavior throws or rejects with. */
export const broken = new Error("a broken user function");

const settleWithinMs = 30_000;

/** Creates a test for each pair of a function and a misbehavior. */
export function userFunctionTests(functions: readonly UserFunction[]): void {
  for (const each of functions) {
    describe(each.name, () => {
      test(`${each.name} works when it returns the right value`, async () => {
        const seen = await watched(each, (values) => each.right(...values), 5_000);
        assert.equal(seen.outcome, "resolves", String(seen.error));
        assert.ok(seen.calls > 0, "the function was not called");
      });
      for (const misbehavior of misbehaviors) {
        const expected = each.expected[misbehavior];
        test(`${each.name} that ${misbehavior} ${consequence(expected)}`, async () => {
          const timeoutMs = expected.name === "DialTimeoutError" ? 100 : 5_000;
          const run = () => watched(each, (values) => misbehave(misbehavior, () => each.right(...values)), timeoutMs);
          let seen = await run();
          // If this process is paused, a short timeout may pass before the function is called.
          for (let tries = 1; tries < 3 && seen.calls === 0 && seen.outcome === "rejects"; tries += 1)
            seen = await run();
          assert.ok(seen.calls > 0, "the function was not called");
          check(seen, expected);
          if (expected.config) {
            const { callsWhenRefused = 1 } = each;
            assert.ok(seen.calls <= callsWhenRefused, `a refused function was called ${seen.calls} times`);
          }
        });
      }
    });
  }
}

function consequence({ outcome, itself, wraps, name, warns }: Expected): string {
  if (outcome === "resolves") return warns === undefined ? "has no effect" : "has no effect except a warning";
  if (itself === true) return "fails with that error";
  if (wraps === true) return "fails with that error as the cause";
  return `fails with a ${name}`;
}

function misbehave(misbehavior: Misbehavior, right: () => unknown): unknown {
  switch (misbehavior) {
    case "throws":
      throw broken;
    case "returns a rejecting promise":
      return Promise.reject(broken);
    case "returns undefined":
      return undefined;
    case "returns NaN":
      return Number.NaN;
    case "returns a negative number":
      return -1;
    case "returns a number that is too large":
      return 2 ** 31;
    case "returns a promise of the right value":
      return Promise.resolve(right());
    case "returns a promise that never settles":
      return new Promise(() => {});
  }
}

interface Seen {
  outcome: "resolves" | "rejects" | "is left pending";
  error: unknown;
  calls: number;
}

/** Runs the work, and fails if it breaks a rule that holds for every misbehavior. */
async function watched(each: UserFunction, act: (values: never[]) => unknown, timeoutMs: number): Promise<Seen> {
  const strays: unknown[] = [];
  const onStray = (error: unknown) => void strays.push(error);
  process.on("unhandledRejection", onStray);
  process.on("uncaughtException", onStray);
  const before = activeResources();
  const seen: Seen = { outcome: "is left pending", error: undefined, calls: 0 };
  const given = ((...values: never[]) => {
    seen.calls += 1;
    return act(values);
  }) as Given;
  let bound: NodeJS.Timeout | undefined;
  try {
    const pending = new Promise<void>((resolve) => {
      bound = setTimeout(resolve, settleWithinMs);
    });
    const work = each.run(given, timeoutMs).then(
      () => {
        seen.outcome = "resolves";
      },
      (error) => {
        seen.outcome = "rejects";
        seen.error = error;
      },
    );
    await Promise.race([work, pending]);
    clearTimeout(bound);
    assert.notEqual(seen.outcome, "is left pending", `after ${settleWithinMs} ms the work is still pending`);
    await nothingLeft(before);
  } finally {
    clearTimeout(bound);
    process.off("unhandledRejection", onStray);
    process.off("uncaughtException", onStray);
  }
  assert.deepEqual(strays, [], "unhandled rejections and uncaught exceptions");
  return seen;
}

/** Waits, with timers that show that the event loop runs, until no more resources are active than before. */
async function nothingLeft(before: Record<string, number>): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    const now = activeResources();
    const more = Object.entries(now).filter(([kind, count]) => count > (before[kind] ?? 0));
    if (more.length === 0) return;
    assert.ok(Date.now() < deadline, `left behind: ${more.map(([kind, count]) => `${kind} ×${count}`).join(", ")}`);
  }
}

function check(seen: Seen, expected: Expected): void {
  assert.equal(seen.outcome, expected.outcome, String(seen.error));
  const { error } = seen;
  if (expected.itself) assert.equal(error, broken);
  if (expected.wraps) assert.equal((error as Error).cause, broken);
  if (expected.name !== undefined) assert.equal((error as Error).name, expected.name, String(error));
  if (expected.message !== undefined) assert.match((error as Error).message, expected.message);
  if (expected.config) assert.equal(classify(error), "config");
  const { warns } = expected;
  if (warns === undefined) return;
  assert.ok(
    warnings.some((line) => warns.test(line)),
    `no warning matches ${warns}: ${warnings.join("; ")}`,
  );
}

/** All warnings of this process so far; the package emits each one once. */
const warnings: string[] = [];
process.on("warning", ({ message }) => void warnings.push(message));
