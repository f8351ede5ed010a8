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

/** Hooks for every event that write `who` and the event's name. */
function writing(said: string[], who: string): DialTrace {
  return Object.fromEntries(dialEventNames.map((name) => [name, () => said.push(`${who} ${name}`)])) as DialTrace;
}

test("hooks attached last are called first, as in WithClientTrace of Go", () => {
  const said: string[] = [];
  const oldest = addHooks({ attemptStart: () => said.push("oldest") }, undefined);
  const older = addHooks({ attemptStart: () => said.push("older") }, oldest);
  addHooks({ attemptStart: () => said.push("newer") }, older).attemptStart?.(attempt);
  assert.deepEqual(said, ["newer", "older", "oldest"]);
});

test("a hook reads as undefined when no observer handles its event", () => {
  const said: string[] = [];
  const older = addHooks({ dnsStart: () => said.push("older") }, undefined);
  const chain = addHooks({ attemptStart: () => said.push("newer") }, older);
  chain.attemptStart?.(attempt);
  chain.dnsStart?.({ host: "h" });
  assert.deepEqual(said, ["newer", "older"]);
  assert.deepEqual(
    dialEventNames.filter((name) => chain[name] !== undefined),
    ["attemptStart", "dnsStart"],
  );
});

test("every inherited event reaches the inner observer, the outer observer, or both", () => {
  const said: string[] = [];
  const one = () => chainOf(writing(said, "one"));
  for (const chain of [one(), addHooks({}, one()), addHooks(writing(said, "newer"), chainOf(writing(said, "older")))]) {
    for (const name of inheritedEvents) chain[name]?.({} as never);
  }
  const each = inheritedEvents.map((name) => `one ${name}`);
  const both = inheritedEvents.flatMap((name) => [`newer ${name}`, `older ${name}`]);
  assert.deepEqual(said, [...each, ...each, ...both]);
});

test("dialStart and dialDone are not inherited, and reach the caller's hooks once per dial", () => {
  const said: string[] = [];
  const given = writing(said, "caller");
  const chain = addHooks(given, chainOf(given));
  assert.equal(chain.dialStart, undefined);
  assert.equal(chain.dialDone, undefined);
  assert.equal(callersHooks(chainOf(given)), given);
  assert.deepEqual(callersHooks(chain), {});
  assert.equal(callersHooks(addToCaller({}, chainOf(given))), given);
  assert.deepEqual(callersHooks(addToCaller({}, undefined)), {});
});

test("a hook that throws does not keep the hooks above it from running", () => {
  const said: string[] = [];
  const older = addHooks({ timeout: () => said.push("older") }, undefined);
  const thrower: DialTrace = {
    timeout() {
      throw new Error("broken");
    },
  };
  addHooks(thrower, older).timeout?.({ target, scope: "dial", timeoutMs: 1 });
  assert.deepEqual(said, ["older"]);
});

test("a decorator may copy the trace, replace a hook on the copy and keep the others", async () => {
  const said: string[] = [];
  const replacing: Middleware = (next) => (to, options) => {
    const trace: DialTrace = { ...options?.trace, attemptStart: () => void said.push("mine attemptStart") };
    return next(to, { ...options, trace });
  };
  const dial = compose(withTrace(writing(said, "layer")), replacing, scriptedDialer());
  (await dial("h:1")).destroy();
  assert.deepEqual(said, [
    "layer dialStart",
    "mine attemptStart",
    "layer attemptDone",
    "layer dialDone",
    "layer connClosed",
  ]);
});

test("a decorator may set a hook on a copy of the trace to undefined, which removes it", async () => {
  const said: string[] = [];
  const removing: Middleware = (next) => (to, options) => {
    const trace: DialTrace = { ...options?.trace, attemptStart: undefined };
    return next(to, { ...options, trace });
  };
  const dial = compose(withTrace(writing(said, "layer")), removing, scriptedDialer());
  (await dial("h:1")).destroy();
  assert.deepEqual(said, ["layer dialStart", "layer attemptDone", "layer dialDone", "layer connClosed"]);
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
  const said: string[] = [];
  const dial = compose(withTrace(writing(said, "layer")), async (_target, { trace = {} } = {}) => {
    const { failover } = trace;
    failover?.({ target, from: target, to: target, error: undefined, reason: "refused" });
    return connection();
  });
  (await dial("h:1")).destroy();
  assert.ok(said.includes("layer failover"));
});
