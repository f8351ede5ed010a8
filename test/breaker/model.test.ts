import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import { BreakerOpenError, withBreaker } from "../../src/breaker.ts";
import { type BreakerState, compose, DialError, type DialTrace } from "../../src/index.ts";
import { fakeClock } from "../../src/testing.ts";
import { connection, type Deferred, deferred } from "../support/contract.ts";

const threshold = 3;
const maxTargets = 4;
const targets = ["a:1", "b:1", "c:1", "d:1", "e:1", "f:1"];
const waitOf = (attempt: number) => Math.min(attempt, 3) * 50;

/** The specified behavior of a breaker, as simple as possible: it keeps the set of dials that count. */
interface Model {
  readonly target: string;
  state: BreakerState;
  told: BreakerState;
  failuresInRow: number;
  openings: number;
  /** `undefined` when isolated. */
  retryAt: number | undefined;
  byName: boolean;
  probe: Pending | undefined;
  readonly counting: Set<Pending>;
}

/** A dial that was admitted. */
interface Pending {
  readonly target: string;
  readonly model: Model;
  readonly result: Deferred<Duplex>;
  readonly controller: AbortController;
  readonly ended: Promise<unknown>;
}

type Ending = "success" | "failure" | "local" | "abort";
type Step =
  | { readonly kind: "dial"; readonly target: number }
  | { readonly kind: "end"; readonly which: number; readonly how: Ending }
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "isolate" | "reset"; readonly target: number | undefined };

const target = fc.nat({ max: targets.length - 1 });
const ending = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Ending>("success") },
  { weight: 12, arbitrary: fc.constant<Ending>("failure") },
  { weight: 1, arbitrary: fc.constant<Ending>("local") },
  { weight: 4, arbitrary: fc.constant<Ending>("abort") },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  // Two of the targets more often, so that they go through many states.
  { weight: 400, arbitrary: fc.record({ kind: fc.constant("dial" as const), target: fc.nat({ max: 1 }) }) },
  { weight: 120, arbitrary: fc.record({ kind: fc.constant("dial" as const), target }) },
  { weight: 400, arbitrary: fc.record({ kind: fc.constant("end" as const), which: fc.nat({ max: 50 }), how: ending }) },
  { weight: 200, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.nat({ max: 150 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("isolate" as const), target }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("reset" as const), target }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("isolate" as const), target: fc.constant(undefined) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("reset" as const), target: fc.constant(undefined) }) },
);

/** Counts the events that the test must have covered in all runs. */
const happened = {
  steps: 0,
  opened: 0,
  halfOpened: 0,
  closed: 0,
  rejected: 0,
  probesAborted: 0,
  forgotten: 0,
  stale: 0,
};

class Comparison {
  readonly clock = fakeClock();
  readonly breaker = withBreaker({ breaker: { consecutive: threshold }, halfOpenAfterMs: waitOf, maxTargets });
  readonly told: string[] = [];
  readonly expected: string[] = [];
  readonly pending: Pending[] = [];
  /** The least recently dialed first. */
  models: Model[] = [];
  allIsolated = false;
  /** The target of the last call of the base dialer. */
  called: Deferred<Duplex> | undefined;

  readonly trace: DialTrace = {
    breakerChange: ({ target, state, previous }) => void this.told.push(`${target} ${previous} > ${state}`),
  };
  readonly dialer = compose<Duplex>(this.clock.layer, this.breaker, () => {
    this.called = deferred<Duplex>();
    return this.called.promise;
  });

  async take(step: Step): Promise<void> {
    happened.steps += 1;
    if (step.kind === "dial") await this.dial(targets[step.target] as string);
    else if (step.kind === "end") await this.end(step.which, step.how);
    else if (step.kind === "pass") await this.clock.advance(step.ms);
    else if (step.kind === "isolate") this.isolate(step.target === undefined ? undefined : targets[step.target]);
    else this.reset(step.target === undefined ? undefined : targets[step.target]);

    assert.deepEqual(this.told, this.expected);
    assert.deepEqual(
      this.breaker.states(),
      this.models.map(({ target, state, retryAt }) => ({ target, state, isolated: retryAt === undefined })),
    );
    assert.equal(this.clock.pending, 0);
  }

  async dial(target: string): Promise<void> {
    const model = this.dialed(target);
    if (model.state === "open" && model.retryAt !== undefined && this.clock.now() >= model.retryAt) {
      this.change(model, "half_open");
    }
    this.tell(model);
    const admitted = model.state === "closed" || (model.state === "half_open" && model.probe === undefined);
    const { retryAt } = model;
    const retryAfterMs = model.state === "open" && retryAt !== undefined ? retryAt - this.clock.now() : undefined;

    this.called = undefined;
    const controller = new AbortController();
    const dialing = this.dialer(target, { trace: this.trace, signal: controller.signal });
    const result = this.called as Deferred<Duplex> | undefined;
    assert.equal(result !== undefined, admitted, `${target} is ${model.state}`);
    if (result === undefined) {
      happened.rejected += 1;
      const error = await dialing.catch((error: unknown) => error);
      assert.ok(error instanceof BreakerOpenError);
      assert.equal(error.retryAfterMs, retryAfterMs);
      assert.equal(error.cause instanceof DialError, retryAt !== undefined);
      return;
    }
    const ended = dialing.then(
      (conn) => conn.destroy() && "connected",
      (error: unknown) => (error instanceof DialError ? error.reason : error),
    );
    const pending: Pending = { target, model, result, controller, ended };
    this.pending.push(pending);
    model.counting.add(pending);
    if (model.state === "half_open") model.probe = pending;
    const probes = this.pending.filter((each) => each.model.probe === each && each.target === target);
    assert.ok(probes.length <= 1, "two probes at once");
  }

  async end(which: number, how: Ending): Promise<void> {
    if (this.pending.length === 0) return;
    const [pending] = this.pending.splice(which % this.pending.length, 1) as [Pending];
    const { model, result, controller, ended } = pending;
    const counts = model.counting.delete(pending);
    if (!counts) happened.stale += 1;
    if (how === "success") result.resolve(connection());
    if (how === "failure") result.reject(Object.assign(new Error("refused"), { code: "ECONNREFUSED" }));
    if (how === "local") result.reject(Object.assign(new Error("no more files"), { code: "EMFILE" }));
    if (how === "abort") {
      if (counts && model.probe === pending) happened.probesAborted += 1;
      controller.abort("enough");
    }
    const said = { success: "connected", failure: "refused", local: "local_resource", abort: "enough" };
    assert.equal(await ended, said[how]);
    if (!counts) return;

    if (model.probe === pending) model.probe = undefined;
    if (how === "success") {
      model.failuresInRow = 0;
      if (model.state === "half_open") this.change(model, "closed");
    }
    if (how === "failure") {
      model.failuresInRow += 1;
      if (model.state === "half_open" || model.failuresInRow >= threshold) {
        const openings = model.openings + 1;
        this.change(model, "open");
        model.openings = openings;
        model.retryAt = this.clock.now() + waitOf(openings);
      }
    }
    this.tell(model);
  }

  isolate(target: string | undefined): void {
    this.breaker.isolate(target);
    if (target === undefined) {
      this.allIsolated = true;
      for (const model of this.models) this.shut(model);
      return;
    }
    let model = this.models.find((each) => each.target === target);
    if (model === undefined) {
      model = this.fresh(target);
      this.models.push(model);
    }
    this.shut(model);
    model.byName = true;
  }

  reset(target: string | undefined): void {
    this.breaker.reset(target);
    if (target === undefined) this.allIsolated = false;
    for (const model of this.models.filter((each) => target === undefined || each.target === target)) {
      model.byName = false;
      if (this.allIsolated) continue;
      this.change(model, "closed");
      if (model.told === "closed") this.models = this.models.filter((each) => each !== model);
    }
  }

  /** Returns the model of a dialed target and moves it to the end of the list; others may be dropped. */
  dialed(target: string): Model {
    let model = this.models.find((each) => each.target === target);
    const forgotten: Model[] = [];
    while (model === undefined && this.models.length >= maxTargets) {
      const may = this.models.filter((each) => !each.byName && each.probe === undefined);
      const found = this.models.find((each) => each.state === "closed") ?? may[0];
      if (found === undefined) break;
      this.models = this.models.filter((each) => each !== found);
      this.change(found, "closed");
      forgotten.push(found);
    }
    model ??= this.fresh(target);
    this.models = [...this.models.filter((each) => each !== model), model];
    for (const each of forgotten) this.tell(each);
    happened.forgotten += forgotten.length;
    return model;
  }

  fresh(target: string): Model {
    const model: Model = {
      target,
      state: "closed",
      told: "closed",
      failuresInRow: 0,
      openings: 0,
      retryAt: 0,
      byName: false,
      probe: undefined,
      counting: new Set(),
    };
    if (this.allIsolated) this.shut(model);
    return model;
  }

  shut(model: Model): void {
    this.change(model, "open");
    model.retryAt = undefined;
  }

  change(model: Model, state: BreakerState): void {
    model.state = state;
    model.probe = undefined;
    model.counting.clear();
    if (state !== "closed") return;
    model.failuresInRow = 0;
    model.openings = 0;
    model.retryAt = 0;
  }

  tell(model: Model): void {
    if (model.state === model.told) return;
    this.expected.push(`${model.target} ${model.told} > ${model.state}`);
    if (model.state === "open") happened.opened += 1;
    if (model.state === "half_open") happened.halfOpened += 1;
    if (model.state === "closed") happened.closed += 1;
    model.told = model.state;
  }
}

test("breakers agree with their model over more than 10,000 random steps", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 600, size: "max" }), async (steps) => {
      const compared = new Comparison();
      for (const each of steps) await compared.take(each);
      while (compared.pending.length > 0) await compared.take({ kind: "end", which: 0, how: "abort" });
    }),
    { numRuns: 60 },
  );
  assert.ok(happened.steps >= 10_000, JSON.stringify(happened));
  for (const [what, count] of Object.entries(happened)) assert.ok(count >= 20, `${what}: ${count}`);
});
