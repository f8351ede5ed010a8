import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import {
  compose,
  type Dialer,
  type DialTrace,
  type Middleware,
  withLog,
  withRetry,
  withTimeout,
  withTrace,
} from "../../src/index.ts";
import { fakeClock } from "../../src/testing.ts";
import { connection } from "../support/contract.ts";

/** A layer of a random stack. A user's decorator either copies the options (`copies`) or passes them on (`passes`). */
type Layer =
  | { readonly kind: "timeout"; readonly ms: number }
  | ({ readonly kind: "retry" } & Plan)
  | { readonly kind: "trace" | "log" | "copies" | "passes" };

interface Plan {
  readonly max: number;
  /**
   * Backoff by number of the failed attempt; index 0 is the delay before the first attempt, and the last one repeats.
   */
  readonly waits: readonly number[];
  readonly first: boolean;
  /** Number of attempts after which `shouldRetry` returns `false`; `undefined` for the default `shouldRetry`. */
  readonly stopAfter: number | undefined;
}

/** Per-call options of one dial. */
type Overrides = Partial<Plan> & { readonly ms?: number; readonly skip?: readonly string[] };

/** Result of one call of the base dialer, and its duration. */
interface Step {
  readonly ms: number;
  readonly ends: "ok" | "refused" | "fatal";
}

/** One dial of a dialer. */
interface Dial {
  readonly steps: readonly Step[];
  readonly overrides: Overrides;
  readonly abortAt: number | undefined;
}

const ms = fc.integer({ min: 1, max: 60 });
const waits = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 4 });
const plan = {
  max: fc.integer({ min: 1, max: 4 }),
  waits,
  first: fc.boolean(),
  stopAfter: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
};
const layer: fc.Arbitrary<Layer> = fc.oneof(
  fc.record({ kind: fc.constant("timeout" as const), ms }),
  fc.record({ kind: fc.constant("retry" as const), ...plan }),
  fc.record({ kind: fc.constantFrom("trace" as const, "log" as const, "copies" as const, "passes" as const) }),
);
const layers = fc.array(layer, { maxLength: 6 });
/** Number of layers in the outer composition, if there are two compositions. */
const split = fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined });
const dial: fc.Arbitrary<Dial> = fc.record({
  steps: fc.array(
    fc.record({
      ms: fc.integer({ min: 0, max: 50 }),
      ends: fc.constantFrom("ok" as const, "refused" as const, "refused" as const, "fatal" as const),
    }),
    { minLength: 1, maxLength: 5 },
  ),
  overrides: fc.record(
    {
      ms: fc.integer({ min: 1, max: 120 }),
      max: plan.max,
      waits,
      first: fc.boolean(),
      stopAfter: fc.integer({ min: 1, max: 3 }),
      skip: fc.array(fc.constantFrom("timeout", "timeout", "retry", "log", "trace"), { maxLength: 1 }),
    },
    { requiredKeys: [] },
  ),
  abortAt: fc.option(fc.integer({ min: 1, max: 150 }), { nil: undefined, freq: 6 }),
});

/** The observable behavior of one dial. */
interface Seen {
  readonly outcome: string;
  readonly at: number;
  /** Times of the calls of the base dialer. */
  readonly calls: readonly number[];
  /** Events that the hooks received. */
  readonly events: readonly string[];
  readonly logged: boolean;
}

const waitOf = (all: readonly number[], attempt: number) => all[Math.min(attempt, all.length - 1)] as number;

/** The model: it computes the behavior without timers. */
function expected(layers: readonly Layer[], { steps, overrides, abortAt = Number.POSITIVE_INFINITY }: Dial): Seen {
  const has = (kind: string) => layers.some((each) => each.kind === kind);
  const skipped = (kind: string) => overrides.skip?.includes(kind) === true;
  const refused = (outcome: string): Seen => ({ outcome, at: 0, calls: [], events: [], logged: false });
  if (overrides.skip?.some((name) => name === "trace" || !has(name))) return refused("RangeError");
  const overridesRetry = [overrides.max, overrides.waits, overrides.first, overrides.stopAfter].some(
    (each) => each !== undefined,
  );
  if (overridesRetry && (!has("retry") || skipped("retry"))) return refused("TypeError");

  const stack: Layer[] = layers.filter(({ kind }) => !skipped(kind));
  if (overrides.ms !== undefined) {
    const bound = { kind: "timeout", ms: overrides.ms } as const;
    const first = layers.findIndex(({ kind }) => kind === "timeout" || kind === "retry");
    if (layers[first]?.kind === "timeout" && !skipped("timeout")) {
      stack[stack.findIndex(({ kind }) => kind === "timeout")] = bound;
    } else {
      const working = stack.findIndex(({ kind }) => kind !== "trace" && kind !== "log");
      stack.splice(working < 0 ? stack.length : working, 0, bound);
    }
  }
  const retry = stack.findIndex(({ kind }) => kind === "retry");
  if (retry >= 0) {
    const { max, waits, first, stopAfter } = { ...(stack[retry] as Plan), ...overrides };
    stack[retry] = { kind: "retry", max, waits, first, stopAfter };
  }

  const calls: number[] = [];
  const events: string[] = [];
  let logged = false;
  type End = { at: number; as: "ok" | "refused" | "fatal" | "timeout" | "cut" };
  // Whichever comes first interrupts the work: the deadline, which retries know in advance, or the caller's abort,
  // which they do not.
  const run = (index: number, at: number, deadline: number, inRetry: boolean): End => {
    const until = Math.min(deadline, abortAt);
    const here = stack[index];
    if (here === undefined) {
      const step = steps[Math.min(calls.length, steps.length - 1)] as Step;
      calls.push(at);
      return at + step.ms >= until ? { at: until, as: "cut" } : { at: at + step.ms, as: step.ends };
    }
    if (here.kind === "timeout") {
      const own = at + here.ms;
      const mark = events.length;
      const end = run(index + 1, at, Math.min(deadline, own), inRetry);
      if (end.as !== "cut" || own >= until) return end;
      // The timeout is reported before the layers beneath report its effects, but after their earlier events.
      const beneath = events.splice(startOfLastEvents(events, mark), Number.POSITIVE_INFINITY);
      events.push(`timeout ${inRetry ? "attempt" : "dial"} ${here.ms}`, ...beneath);
      return { at: own, as: "timeout" };
    }
    if (here.kind === "log") logged = true;
    if (here.kind !== "retry") return run(index + 1, at, deadline, inRetry);
    let now = at;
    if (here.first) {
      now += waitOf(here.waits, 0);
      if (now >= until) return { at: until, as: "cut" };
    }
    for (let attempt = 1; ; attempt += 1) {
      const end = run(index + 1, now, deadline, true);
      if (end.as === "ok") return end;
      if (end.as === "cut") {
        if (until !== abortAt) events.push("exhausted deadline");
        return end;
      }
      const again = here.stopAfter === undefined ? end.as !== "fatal" : attempt < here.stopAfter;
      const wait = waitOf(here.waits, attempt);
      const cause =
        attempt >= here.max
          ? "attempts"
          : !again
            ? "non_retryable"
            : wait >= deadline - end.at
              ? "deadline"
              : undefined;
      if (cause !== undefined) {
        events.push(`exhausted ${cause}`);
        return end;
      }
      events.push(`again as ${(calls.length || attempt) + 1} after ${wait}`);
      now = end.at + wait;
      if (now >= until) return { at: until, as: "cut" };
    }
  };
  const { at, as } = run(0, 0, Number.POSITIVE_INFINITY, false);
  return { outcome: as === "cut" ? "canceled" : as, at, calls, events, logged };
}

/** Returns the index of the first of the final events: those of the layers that the same timeout interrupted. */
function startOfLastEvents(events: readonly string[], from: number): number {
  let index = events.length;
  while (index > from && events[index - 1] === "exhausted deadline") index -= 1;
  return index;
}

/** Makes a dialer of the real layers. Returns a function that runs one dial and records its behavior. */
function dialerOf(layers: readonly Layer[], split: number | undefined): (dial: Dial) => Promise<Seen> {
  const clock = fakeClock();
  let steps: readonly Step[] = [];
  let calls: number[] = [];
  let startedAt = 0;
  let lines = 0;
  const line = () => {
    lines += 1;
  };
  const base: Dialer<Duplex> = async (_target, options = {}) => {
    for (const option of callOptions)
      assert.equal(options[option], undefined, `a base dialer must not receive ${option}`);
    const step = steps[Math.min(calls.length, steps.length - 1)] as Step;
    calls.push(clock.now() - startedAt);
    if (step.ms > 0) await new Promise<void>((resolve) => void clock.setTimeout(resolve, step.ms));
    if (step.ends === "ok") return connection();
    throw Object.assign(new Error("no"), { code: step.ends === "refused" ? "ECONNREFUSED" : "EPROTO" });
  };
  const made = layers.map((each): Middleware => {
    if (each.kind === "timeout") return withTimeout({ timeoutMs: each.ms });
    if (each.kind === "retry") return withRetry(retryOptions(each));
    if (each.kind === "trace") return withTrace({ timeout() {} });
    if (each.kind === "log") return withLog({ info: line, warn: line });
    const copy = each.kind === "copies";
    return (next) => (target, options) => next(target, copy ? { ...options } : options);
  });
  const inner = split === undefined ? base : compose(...made.slice(split), base);
  const dialer = compose(...made.slice(0, split), inner);

  return async (dial) => {
    const { ms: timeoutMs, skip } = dial.overrides;
    const events: string[] = [];
    const trace: DialTrace = {
      timeout: ({ scope, timeoutMs }) => events.push(`timeout ${scope} ${timeoutMs}`),
      retryScheduled: ({ attempt, delayMs }) => events.push(`again as ${attempt} after ${delayMs}`),
      retryExhausted: ({ cause }) => events.push(`exhausted ${cause}`),
    };
    steps = dial.steps;
    calls = [];
    lines = 0;
    startedAt = clock.now();
    const { signal, abort } = aborting();
    if (dial.abortAt !== undefined) clock.setTimeout(abort, dial.abortAt);
    let ended = { outcome: "", at: 0 };
    const end = (outcome: string) => {
      ended = { outcome, at: clock.now() - startedAt };
    };
    const dialing = dialer("h:1", { clock, signal, trace, timeoutMs, skip, ...retryOptions(dial.overrides) }).then(
      (conn) => {
        end("ok");
        conn.destroy();
      },
      (error) => end(outcomeOf(error)),
    );
    await clock.advance(10_000);
    await dialing;
    assert.equal(clock.pending, 0, "no timer is left");
    assert.equal(getEventListeners(signal, "abort").length, 0, "no listener is left");
    return { ...ended, calls, events, logged: lines > 0 };
  };
}

const callOptions = ["timeoutMs", "maxAttempts", "backoff", "backoffBeforeFirst", "shouldRetry", "skip"] as const;

function aborting() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort(new Error("enough")) };
}

function retryOptions({ max, waits, first, stopAfter }: Partial<Plan>) {
  return {
    maxAttempts: max,
    backoff: waits && ((attempt: number) => waitOf(waits, attempt)),
    backoffBeforeFirst: first,
    shouldRetry: stopAfter === undefined ? undefined : (_error: unknown, attempt: number) => attempt < stopAfter,
  };
}

function outcomeOf(error: Error & { code?: string }): string {
  if (error.message === "enough") return "canceled";
  return { ETIMEDOUT: "timeout", ECONNREFUSED: "refused", EPROTO: "fatal" }[error.code ?? ""] ?? error.name;
}

test("random layer stacks with random per-call options behave as the model predicts", async () => {
  let steps = 0;
  const property = fc.asyncProperty(layers, split, fc.array(dial, { minLength: 1, maxLength: 8 }), async (...scene) => {
    const [layers, split, dials] = scene;
    const play = dialerOf(layers, split);
    for (const each of dials) {
      const wanted = expected(layers, each);
      steps += 1 + wanted.calls.length + wanted.events.length;
      assert.deepEqual(await play(each), wanted);
    }
  });
  await fc.assert(property, { numRuns: 1_800 });
  assert.ok(steps >= 10_000, `only ${steps} steps`);
});
