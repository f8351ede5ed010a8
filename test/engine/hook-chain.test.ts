import assert from "node:assert/strict";
import { test } from "node:test";
import { dialEventNames, inheritedEvents } from "../../src/core/trace.ts";
import {
  addHooks,
  addToCaller,
  callersHooks,
  chainOf,
  type EventMask,
  handledKey,
  maskFor,
} from "../../src/engine/hook-chain.ts";
import {
  compose,
  DialError,
  type DialTrace,
  type Middleware,
  parseTarget,
  recordDials,
  withTrace,
} from "../../src/index.ts";
import { WatchedDial } from "../../src/inspector/watched-dial.ts";
import { DialRecorder } from "../../src/record/dial-record.ts";
import { DialSpanEvents } from "../../src/telemetry/span-events.ts";
import { DialSpans } from "../../src/telemetry/spans.ts";
import { UntracedDial } from "../../src/telemetry/traced-dial.ts";
import { scriptedDialer } from "../../src/testing.ts";
import { connection } from "../support/contract.ts";

const target = parseTarget("h:1");
const attempt = { target, attempt: 1 };

/** Hooks for every event that record `prefix` and the event's name. */
function recording(events: string[], prefix: string): DialTrace {
  return Object.fromEntries(dialEventNames.map((name) => [name, () => events.push(`${prefix} ${name}`)])) as DialTrace;
}

test("hooks attached last are called first, as in WithClientTrace of Go", () => {
  const events: string[] = [];
  const oldest = addHooks({ attemptStart: () => events.push("oldest") }, undefined);
  const older = addHooks({ attemptStart: () => events.push("older") }, oldest);
  addHooks({ attemptStart: () => events.push("newer") }, older).attemptStart?.(attempt);
  assert.deepEqual(events, ["newer", "older", "oldest"]);
});

test("a hook reads as undefined when no observer handles its event", () => {
  const events: string[] = [];
  const older = addHooks({ dnsStart: () => events.push("older") }, undefined);
  const chain = addHooks({ attemptStart: () => events.push("newer") }, older);
  chain.attemptStart?.(attempt);
  chain.dnsStart?.({ host: "h" });
  assert.deepEqual(events, ["newer", "older"]);
  assert.deepEqual(
    dialEventNames.filter((name) => chain[name] !== undefined),
    ["attemptStart", "dnsStart"],
  );
});

test("every inherited event reaches the inner observer, the outer observer, or both", () => {
  const events: string[] = [];
  const one = () => chainOf(recording(events, "one"));
  for (const chain of [
    one(),
    addHooks({}, one()),
    addHooks(recording(events, "newer"), chainOf(recording(events, "older"))),
  ]) {
    for (const name of inheritedEvents) chain[name]?.({} as never);
  }
  const each = inheritedEvents.map((name) => `one ${name}`);
  const both = inheritedEvents.flatMap((name) => [`newer ${name}`, `older ${name}`]);
  assert.deepEqual(events, [...each, ...each, ...both]);
});

test("dialStart and dialDone are not inherited, and reach the caller's hooks once per dial", () => {
  const events: string[] = [];
  const given = recording(events, "caller");
  const chain = addHooks(given, chainOf(given));
  assert.equal(chain.dialStart, undefined);
  assert.equal(chain.dialDone, undefined);
  assert.equal(callersHooks(chainOf(given)), given);
  assert.deepEqual(callersHooks(chain), {});
  assert.equal(callersHooks(addToCaller({}, chainOf(given))), given);
  assert.deepEqual(callersHooks(addToCaller({}, undefined)), {});
});

test("a hook that throws does not keep the hooks above it from running", () => {
  const events: string[] = [];
  const older = addHooks({ timeout: () => events.push("older") }, undefined);
  const thrower: DialTrace = {
    timeout() {
      throw new Error("broken");
    },
  };
  addHooks(thrower, older).timeout?.({ target, scope: "dial", timeoutMs: 1 });
  assert.deepEqual(events, ["older"]);
});

test("a decorator may copy the trace, replace a hook on the copy and keep the others", async () => {
  const events: string[] = [];
  const replacing: Middleware = (next) => (to, options) => {
    const trace: DialTrace = { ...options?.trace, attemptStart: () => void events.push("mine attemptStart") };
    return next(to, { ...options, trace });
  };
  const dial = compose(withTrace(recording(events, "layer")), replacing, scriptedDialer());
  (await dial("h:1")).destroy();
  assert.deepEqual(events, [
    "layer dialStart",
    "mine attemptStart",
    "layer attemptDone",
    "layer dialDone",
    "layer connClosed",
  ]);
});

test("a decorator may set a hook on a copy of the trace to undefined, which removes it", async () => {
  const events: string[] = [];
  const removing: Middleware = (next) => (to, options) => {
    const trace: DialTrace = { ...options?.trace, attemptStart: undefined };
    return next(to, { ...options, trace });
  };
  const dial = compose(withTrace(recording(events, "layer")), removing, scriptedDialer());
  (await dial("h:1")).destroy();
  assert.deepEqual(events, ["layer dialStart", "layer attemptDone", "layer dialDone", "layer connClosed"]);
});

test("hooks of a class instance are called with the instance as this", async () => {
  class Counter {
    #attempts = 0;
    attemptStart(): void {
      this.#attempts += 1;
    }
    get attempts(): number {
      return this.#attempts;
    }
  }
  const counter = new Counter();
  await assert.rejects(compose(withTrace(counter), scriptedDialer([new Error("no")]))("h:1"), DialError);
  assert.equal(counter.attempts, 1);
});

for (const made of [DialRecorder, WatchedDial, DialSpans, DialSpanEvents, UntracedDial]) {
  test(`${made.name} declares exactly the events that its methods handle`, () => {
    const { prototype } = made as { prototype: DialTrace & { [handledKey]?: EventMask } };
    const handled = inheritedEvents.filter((name) => prototype[name] !== undefined);
    assert.ok(Object.hasOwn(prototype, handledKey));
    assert.equal(prototype[handledKey], maskFor(handled));
  });
}

test("an observer that returns a recorder records the whole dial", async () => {
  const outcomes: unknown[] = [];
  (
    await compose(withTrace(recordDials(({ outcome }) => void outcomes.push(outcome))), scriptedDialer())("h:1")
  ).destroy();
  assert.deepEqual(outcomes, ["success"]);
});

test("a hook destructured from its trace still reaches the observers", async () => {
  const events: string[] = [];
  const dial = compose(withTrace(recording(events, "layer")), async (_target, { trace = {} } = {}) => {
    const { failover } = trace;
    failover?.({ target, from: target, to: target, error: undefined, reason: "refused" });
    return connection();
  });
  (await dial("h:1")).destroy();
  assert.ok(events.includes("layer failover"));
});
