import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import {
  compose,
  DialError,
  type FailoverInfo,
  type FailoverPolicy,
  type Middleware,
  NoTargetError,
  type TargetList,
  type WeightedTarget,
  withFailover,
} from "../../src/index.ts";
import { fakeClock } from "../../src/testing.ts";
import { connection, type Deferred, deferred } from "../support/contract.ts";
import { seededRandom } from "../support/random.ts";

/** Steps per policy; more than 10,000 in total. */
const steps = 2_500;
const names = Array.from({ length: 12 }, (_, index) => `t${index}:1`);

/** State of one target, kept as simply as possible. */
interface Known {
  dialFailures: number;
  markedFailures: number;
  ejections: number;
  ejectedUntil: number;
  dialing: number;
  readonly conns: Set<Duplex>;
}

/** A dial in progress to a target. */
interface Pending {
  readonly dial: Dial;
  readonly name: string;
  readonly answer: Deferred<Duplex>;
}

/** One dial of a caller, with its retries. */
class Dial {
  readonly controller = new AbortController();
  /** Targets attempted in this round. */
  tried = new Set<string>();
  last: string | undefined;
  again = 0;
  ended: unknown;
}

interface Settings {
  readonly ejectAfter: number;
  readonly ejectionMs: number;
  readonly maxEjectionMs: number;
  readonly minShare: number;
}

const policies: readonly (readonly [string, FailoverPolicy])[] = [
  ["in_order", "in_order"],
  ["random", "random"],
  ["round_robin", "round_robin"],
  ["least_loaded", "least_loaded"],
  ["a user's function", (candidates, { random }) => candidates[Math.floor(random() * candidates.length)] as never],
];

class Model {
  readonly settings: Settings;
  list: readonly WeightedTarget[] = [];
  readonly known = new Map<string, Known>();
  now = 0;

  constructor(settings: Settings) {
    this.settings = settings;
  }

  at(name: string): Known {
    const known = this.known.get(name);
    assert.ok(known, `${name} is not known`);
    return known;
  }

  get present(): readonly string[] {
    return this.list.map(({ target }) => String(target));
  }

  isEjected = (name: string): boolean => this.at(name).ejectedUntil > this.now;

  get mostEjected(): number {
    return Math.floor(this.present.length * (1 - this.settings.minShare) + 1e-9);
  }

  setList(list: readonly WeightedTarget[]): void {
    this.list = list;
    for (const name of this.present) {
      if (!this.known.has(name)) {
        const fresh = { dialFailures: 0, markedFailures: 0, ejections: 0, ejectedUntil: Number.NEGATIVE_INFINITY };
        this.known.set(name, { ...fresh, dialing: 0, conns: new Set() });
      }
    }
    for (const [name, { dialing, conns }] of this.known) {
      if (!this.present.includes(name) && dialing + conns.size === 0 && !this.isEjected(name)) this.known.delete(name);
    }
    const ejected = this.present.filter(this.isEjected);
    ejected.sort((a, b) => this.at(a).ejectedUntil - this.at(b).ejectedUntil);
    while (ejected.length > this.mostEjected) this.at(ejected.shift() as string).ejectedUntil = this.now;
  }

  /** The targets that a dial may go to: of the best priority, not ejected unless all are, not attempted unless all are. */
  allowed(dial: Dial): readonly string[] {
    let usable = this.present.filter((name) => !this.isEjected(name));
    if (usable.length === 0) usable = [...this.present];
    let left = usable.filter((name) => !dial.tried.has(name));
    if (left.length === 0) {
      dial.tried = new Set(dial.last === undefined ? [] : [dial.last]);
      left = usable.filter((name) => !dial.tried.has(name));
    }
    if (left.length === 0) left = usable;
    const priorityOf = (name: string) => this.list.find(({ target }) => target === name)?.priority ?? 0;
    const best = Math.min(...left.map(priorityOf));
    return left.filter((name) => priorityOf(name) === best);
  }

  succeeded(name: string, byUser: boolean): void {
    const known = this.at(name);
    known.dialFailures = 0;
    if (byUser) known.markedFailures = 0;
    if (known.markedFailures >= this.settings.ejectAfter) return;
    known.ejections = 0;
    known.ejectedUntil = Math.min(known.ejectedUntil, this.now);
  }

  failed(name: string, byUser: boolean): void {
    const { ejectAfter, ejectionMs, maxEjectionMs } = this.settings;
    const known = this.at(name);
    if (byUser) known.markedFailures += 1;
    else known.dialFailures += 1;
    if (Math.max(known.dialFailures, known.markedFailures) < ejectAfter) return;
    if (this.isEjected(name) || !this.present.includes(name)) return;
    if (this.present.filter(this.isEjected).length >= this.mostEjected) return;
    known.ejectedUntil = this.now + Math.min(maxEjectionMs, ejectionMs * 2 ** known.ejections);
    known.ejections += 1;
  }
}

for (const [what, policy] of policies) {
  test(`withFailover with the policy ${what} agrees with its model over ${steps} random steps`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.record({
          ejectAfter: fc.integer({ min: 1, max: 4 }),
          ejectionMs: fc.integer({ min: 1, max: 500 }),
          maxEjectionMs: fc.integer({ min: 500, max: 2000 }),
          minShare: fc.constantFrom(0, 0.25, 0.5, 0.7, 1),
        }),
        (seed, settings) => play(policy, settings, seed, steps / 5),
      ),
      { numRuns: 5, includeErrorInReport: true },
    );
  });
}

async function play(policy: FailoverPolicy, settings: Settings, seed: number, count: number): Promise<void> {
  const random = seededRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const oneOf = <T>(from: Iterable<T>): T | undefined => {
    const all = [...from];
    return all[below(all.length)];
  };
  const clock = fakeClock();
  const model = new Model(settings);
  const pending = new Set<Pending>();
  const dials = new Set<Dial>();
  let picked = 0;
  let failovers = 0;
  let expectedFailovers = 0;
  /** Errors of the layer that the test found: they must not look like failed dials. */
  const wrong: unknown[] = [];

  let push: Deferred<TargetList> = deferred();
  async function* lists(): AsyncGenerator<TargetList> {
    for (;;) {
      yield await push.promise;
      push = deferred();
    }
  }
  const setList = async () => {
    const list = names.filter(() => random() < 0.6).map((target) => ({ target, priority: below(2), weight: below(3) }));
    model.setList(list);
    push.resolve(list);
    await turn();
  };

  const failover = withFailover({ discover: lists(), policy, ...settings, random: seededRandom(seed + 1) });
  // Retries without a delay, so that the next attempt happens in the same step.
  const retry: Middleware = (next) => async (target, options) => {
    const dial = options?.owner as Dial;
    for (;;) {
      try {
        return await next(target, options);
      } catch (error) {
        if (dial.again === 0 || dial.controller.signal.aborted || error instanceof NoTargetError) throw error;
        dial.again -= 1;
      }
    }
  };
  const dialer = compose(retry, failover, (target, options) => {
    const name = String(target);
    const dial = options?.owner as Dial;
    try {
      const allowed = model.allowed(dial);
      assert.ok(allowed.includes(name), `${name} is not among ${allowed}`);
      if (policy === "in_order") assert.equal(name, allowed[0]);
      dial.tried.add(name);
      dial.last = name;
      model.at(name).dialing += 1;
    } catch (error) {
      wrong.push(error);
    }
    picked += 1;
    const answer = deferred<Duplex>();
    pending.add({ dial, name, answer });
    return answer.promise;
  });

  const begin = () => {
    const dial = new Dial();
    dial.again = below(6);
    dials.add(dial);
    const trace = {
      failover: ({ from, to }: FailoverInfo) => {
        failovers += 1;
        assert.notEqual(from, to);
      },
    };
    const over = (outcome: unknown) => {
      dial.ended = outcome;
      dials.delete(dial);
    };
    dialer("service:1", { owner: dial, signal: dial.controller.signal, clock, trace }).then(over, over);
  };
  const end = (each: Pending, settle: (known: Known) => void) => {
    pending.delete(each);
    const known = model.at(each.name);
    known.dialing -= 1;
    settle(known);
  };
  /** Whether the next attempt goes to another target: it is then reported as a failover. */
  const goesOn = ({ dial, name }: Pending) => {
    if (dial.again === 0 || dial.controller.signal.aborted || model.present.length === 0) return;
    const wait = dial;
    moves.push(() => {
      if (wait.last !== name) expectedFailovers += 1;
    });
  };
  const moves: (() => void)[] = [];

  const actions: readonly (readonly [number, () => void | Promise<void>])[] = [
    [5, begin],
    [
      4,
      () => {
        const each = oneOf(pending);
        if (each === undefined) return;
        const conn = connection();
        end(each, ({ conns }) => conns.add(conn));
        model.succeeded(each.name, false);
        each.answer.resolve(conn);
      },
    ],
    [
      5,
      () => {
        const each = oneOf(pending);
        if (each === undefined) return;
        const ours = random() < 0.1;
        end(each, () => {});
        if (!ours) model.failed(each.name, false);
        goesOn(each);
        each.answer.reject(ours ? new DialError("ours", { reason: "local_resource" }) : new Error("refused"));
      },
    ],
    [
      1,
      () => {
        const each = oneOf(pending);
        if (each === undefined) return;
        end(each, () => {});
        each.dial.controller.abort(new Error("enough"));
      },
    ],
    [
      3,
      () => {
        const name = oneOf(names) as string;
        const fails = random() < 0.7;
        failover.mark(name, fails ? new Error("500") : undefined);
        if (!model.known.has(name)) return;
        if (fails) model.failed(name, true);
        else model.succeeded(name, true);
      },
    ],
    [
      4,
      () => {
        const known = oneOf(model.known.values());
        const conn = known && oneOf(known.conns);
        if (conn === undefined) return;
        known?.conns.delete(conn);
        conn.removeAllListeners().destroy();
      },
    ],
    [
      2,
      async () => {
        const ms = below(200);
        await clock.advance(ms);
        model.now += ms;
      },
    ],
    [1, setList],
  ];
  const weights = actions.reduce((sum, [weight]) => sum + weight, 0);

  const check = () => {
    assert.deepEqual(wrong, []);
    const statuses = failover.targets();
    const expected = model.list.map(({ target, priority, weight }) => {
      const { dialFailures, markedFailures, dialing, conns, ejectedUntil } = model.at(String(target));
      const ejectedForMs = Math.max(0, ejectedUntil - model.now);
      const failures = Math.max(dialFailures, markedFailures);
      return { target, priority, weight, open: conns.size, dialing, failures, ejected: ejectedForMs > 0, ejectedForMs };
    });
    assert.deepEqual(
      statuses.map(({ latencyMs: _, target, ...rest }) => ({ target: String(target), ...rest })),
      expected,
    );
    const ejected = statuses.filter((status) => status.ejected).length;
    assert.ok(ejected <= statuses.length * (1 - settings.minShare) + 1e-9, "minShare is kept");
    assert.equal(failovers, expectedFailovers);
  };

  // A first dial waits for the list, so that later dials start immediately.
  begin();
  await turn();
  await setList();
  for (let step = 0; step < count; step += 1) {
    let drawn = random() * weights;
    const [, act] = actions.find(([weight]) => {
      drawn -= weight;
      return drawn < 0;
    }) as (typeof actions)[number];
    await act();
    await turn();
    for (const move of moves.splice(0)) move();
    // targets() itself ends expired ejections; dials must do so without it.
    if (random() < 0.3) check();
  }

  for (const each of pending) {
    each.dial.again = 0;
    each.dial.controller.abort(new Error("over"));
    end(each, () => {});
  }
  for (const { conns } of model.known.values()) {
    for (const conn of conns) conn.destroy();
    conns.clear();
  }
  await turn();
  check();
  assert.ok(failover.targets().every(({ open, dialing }) => open + dialing === 0));
  assert.equal(dials.size, 0);
  assert.ok(picked > count / 10, `${picked} picks`);
  failover.close();
}

/** Waits two turns of the event loop, which an abort may take. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
}
