import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { context } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { withBreaker } from "../../src/breaker.ts";
import { compose, type DialStartInfo, parseTarget, withFailover, withRetry, withTrace } from "../../src/index.ts";
import { BreakerStates } from "../../src/inspector/breaker-states.ts";
import { Rates } from "../../src/inspector/rates.ts";
import { Recovery } from "../../src/inspector/recovery.ts";
import { type DialerSummary, type Inspector, inspector } from "../../src/inspector.ts";
import { withTracing } from "../../src/otel.ts";
import { scriptedDialer } from "../../src/testing.ts";
import { refused } from "./scene.ts";

const only = (page: Inspector): DialerSummary => page.snapshot().dialers[0] as DialerSummary;
const sum = (counts: readonly number[] = []) => counts.reduce((total, each) => total + each, 0);
const down = refused("10.0.0.1:5432");

describe("the counts of a dialer", () => {
  it("inspector counts failures that a retry mended, apart from dials that failed", async () => {
    const page = inspector();
    const search = compose(
      page.observe({ name: "search" }),
      withRetry({ maxAttempts: 2, backoff: () => 0 }),
      scriptedDialer(Array.from({ length: 25 }, () => [down, "connect"] as const).flat()),
    );
    for (let index = 0; index < 25; index += 1) (await search("search:9200")).destroy();
    const { dials, attempts, retries, failovers, failures, attemptFailures, lately, recovery } = only(page);
    assert.deepEqual([dials.succeeded, dials.failed], [25, 0]);
    assert.deepEqual([attempts.started, attempts.failed, retries, failovers], [50, 25, 25, 0]);
    assert.deepEqual([failures, attemptFailures], [{}, { refused: 25 }]);
    assert.deepEqual([sum(lately.succeeded), sum(lately.mended), sum(lately.failed)], [25, 25, 0]);
    assert.deepEqual(lately.attempts, { succeeded: 25, failed: 25 });
    assert.deepEqual([lately.retries, lately.failovers], [25, 0]);
    assert.equal(recovery, undefined);
  });

  it("inspector counts failures that failover mended", async () => {
    const page = inspector();
    const dial = compose(
      page.observe({ name: "search" }),
      withRetry({ maxAttempts: 2, backoff: () => 0 }),
      withFailover({ targets: ["one:1", "two:1"] }),
      async (target, options) => {
        if (String(target) === "one:1") throw down;
        return scriptedDialer()(target, options);
      },
    );
    for (let index = 0; index < 4; index += 1) (await dial("search:1")).destroy();
    const { dials, failovers, attempts, lately } = only(page);
    assert.ok(failovers > 0);
    assert.equal(attempts.failed, failovers);
    assert.deepEqual([dials.failed, lately.failovers, sum(lately.mended)], [0, failovers, failovers]);
  });

  it("inspector does not count canceled dials and attempts as failed", async () => {
    const page = inspector();
    const controller = new AbortController();
    const dialing = compose(page.observe(), scriptedDialer(["hang"]))("h:1", { signal: controller.signal });
    controller.abort();
    await assert.rejects(dialing);
    assert.deepEqual(only(page).lately.attempts, { succeeded: 0, failed: 0 });
    assert.equal(only(page).recovery, undefined);
  });

  it("inspector shows the breakers that are not closed, and removes them when they close", async () => {
    const page = inspector();
    let isDown = true;
    const dial = compose(
      page.observe(),
      withBreaker({ breaker: { consecutive: 2 }, halfOpenAfterMs: 1 }),
      async (target, options) => {
        if (isDown) throw down;
        return scriptedDialer()(target, options);
      },
    );
    assert.deepEqual(only(page).breakers, { open: 0, halfOpen: 0, shown: [] });
    for (let index = 0; index < 2; index += 1) await assert.rejects(dial("db:5432"));
    const { open, halfOpen, shown } = only(page).breakers;
    assert.deepEqual([open, halfOpen], [1, 0]);
    assert.deepEqual(
      shown.map(({ target, state }) => [target, state]),
      [["db:5432", "open"]],
    );
    assert.ok(Math.abs((shown[0]?.since ?? 0) - Date.now()) < 60_000);
    isDown = false;
    await new Promise((resolve) => setTimeout(resolve, 20));
    (await dial("db:5432")).destroy();
    assert.deepEqual(only(page).breakers, { open: 0, halfOpen: 0, shown: [] });
  });

  it("inspector counts every open breaker and names 20 of them", () => {
    const states = new BreakerStates();
    const targets = Array.from({ length: 2_000 }, (_, index) => parseTarget(`db-${index}:5432`));
    for (const target of targets) states.change({ target, state: "open", previous: "closed" }, 1);
    assert.equal(states.summary().open, 2_000);
    assert.equal(states.summary().shown.length, 20);
    for (const target of targets) states.change({ target, state: "half_open", previous: "open" }, 2);
    assert.deepEqual([states.summary().open, states.summary().halfOpen], [0, 2_000]);
    for (const target of targets) states.change({ target, state: "closed", previous: "half_open" }, 3);
    assert.deepEqual(states.summary(), { open: 0, halfOpen: 0, shown: [] });
  });

  it("a bucket of recent events is cleared when its period begins, for every kind of event", () => {
    const rates = new Rates();
    const minutes = 60_000;
    rates.add("succeeded", 0);
    rates.add("retry", 9 * minutes);
    assert.equal(rates.total("succeeded", 9 * minutes), 1);
    assert.equal(rates.total("succeeded", 10 * minutes), 0);
    rates.add("retry", 19 * minutes);
    assert.equal(rates.total("retry", 19 * minutes), 1);
    rates.add("failover", 10 * minutes);
    assert.equal(rates.total("succeeded", 10 * minutes), 0);
  });
});

describe("the recovery of a dialer", () => {
  /** The summary after dials that failed (`-`) or succeeded (`+`), one per millisecond from 1. */
  const after = (dials: string) => {
    const recovery = new Recovery();
    [...dials].forEach((each, index) => void recovery.add(each === "-", index + 1));
    const failed = dials.split("-").length - 1;
    return recovery.summary({ succeeded: dials.length - failed, failed });
  };

  it("a dialer without failed dials has no recovery", () => assert.equal(after("+++"), undefined));

  it("a dialer that fails has not recovered", () => {
    assert.deepEqual(after("++--"), { lastFailureAt: 4, succeededSince: 0, recoveredAt: undefined });
  });

  it("a dialer that failed every dial has recovered with its first success", () => {
    assert.deepEqual(after("-----+"), { lastFailureAt: 5, succeededSince: 1, recoveredAt: 6 });
  });

  it("a dialer that fails one dial of ten has not recovered between two failures", () => {
    const { recoveredAt, succeededSince } = after(`${"+++++++++-".repeat(5)}+++++++++`) ?? assert.fail();
    assert.deepEqual([succeededSince, recoveredAt], [9, undefined]);
  });

  it("a dialer that failed one dial of ten has recovered after 29 successes", () => {
    const before = "+++++++++-".repeat(5);
    assert.equal(after(before + "+".repeat(28))?.recoveredAt, undefined);
    assert.equal(after(before + "+".repeat(29))?.recoveredAt, 51);
  });

  it("a failure before the recent dials counts as over after one success", () => {
    const recovery = new Recovery();
    recovery.add(true, 1);
    assert.equal(recovery.summary({ succeeded: 0, failed: 0 })?.recoveredAt, undefined);
    recovery.add(false, 2);
    assert.equal(recovery.summary({ succeeded: 1, failed: 0 })?.recoveredAt, 2);
  });
});

describe("the trace id of a dial", () => {
  const tracing = (ratio = 1) => {
    const spans = new InMemorySpanExporter();
    const sampler = { shouldSample: () => ({ decision: ratio === 1 ? 2 : 0 }) };
    const tracerProvider = new BasicTracerProvider({ sampler, spanProcessors: [new SimpleSpanProcessor(spans)] });
    return { tracerProvider, ids: () => spans.getFinishedSpans().map((span) => span.spanContext().traceId) };
  };

  it("inspector shows the trace id of each dial that a layer above traces", async () => {
    const page = inspector({ traceLink: "https://jaeger.internal/trace/{traceId}" });
    const { tracerProvider, ids } = tracing();
    const dial = compose(withTracing({ tracerProvider }), page.observe(), scriptedDialer([down, "connect"]));
    await assert.rejects(dial("h:1"));
    (await dial("h:2")).destroy();
    const { dials, traceLink } = page.snapshot();
    assert.equal(traceLink, "https://jaeger.internal/trace/{traceId}");
    assert.equal(new Set(ids()).size, 2);
    assert.deepEqual(dials.map(({ traceId }) => traceId).sort(), [...new Set(ids())].sort());
  });

  it("inspector shows no trace id for a dial that is not traced or not sampled", async () => {
    const page = inspector();
    const { tracerProvider, ids } = tracing(0);
    (await compose(withTracing({ tracerProvider }), page.observe(), scriptedDialer())("h:1")).destroy();
    (await compose(page.observe(), scriptedDialer())("h:1")).destroy();
    assert.deepEqual(ids(), []);
    assert.deepEqual(
      page.snapshot().dials.map(({ traceId }) => traceId),
      [undefined, undefined],
    );
  });

  it("dialStart has the trace id of the nearest traced layer above, and no dial has the trace id of another dial", async () => {
    const manager = new AsyncLocalStorageContextManager();
    context.setGlobalContextManager(manager.enable());
    const { tracerProvider, ids } = tracing();
    const seen: DialStartInfo[] = [];
    const dial = compose(
      withTracing({ tracerProvider }),
      withTrace({ dialStart: (info) => void seen.push(info) }),
      compose(withTrace({ dialStart: (info) => void seen.push(info) }), scriptedDialer()),
    );
    await Promise.all(["a:1", "b:1"].map((target) => dial(target)));
    context.disable();
    (await compose(withTrace({ dialStart: (info) => void seen.push(info) }), scriptedDialer())("c:1")).destroy();
    const of = (name: string) => seen.filter(({ target }) => String(target) === name).map(({ traceId }) => traceId);
    assert.equal(new Set(of("a:1")).size, 1);
    assert.ok(ids().includes(of("a:1")[0] as string));
    assert.notEqual(of("a:1")[0], of("b:1")[0]);
    assert.deepEqual(of("c:1"), [undefined]);
  });
});
