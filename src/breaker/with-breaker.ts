import { abortable } from "../async/abortable.ts";
import type { Middleware } from "../core/dialer.ts";
import { DialError } from "../core/errors.ts";
import type { BreakerState } from "../core/event-values.ts";
import { formatDuration } from "../core/format.ts";
import type { Reason } from "../core/reasons.ts";
import { parseTargetOf, type TargetLike } from "../core/target.ts";
import { type DialContext, layer } from "../engine/context.ts";
import type { ShownOptions } from "../engine/layer-info.ts";
import { outcomeOf } from "../engine/outcome.ts";
import type { Cost, CostOf } from "../engine/worst-case.ts";
import { functionName } from "../support/function-name.ts";
import { messageOf } from "../support/message.ts";
import { returnedBoolean } from "../support/returned.ts";
import { markFactories } from "../support/roles.ts";
import { checkCount, checkFunction, checkOptions, type OptionNames } from "../support/validate.ts";
import type { Breaker } from "./breaker.ts";
import { Breakers } from "./breakers.ts";
import { countsByReason } from "./counts.ts";
import { BreakerOpenError } from "./errors.ts";
import { type BreakerRule, strategyMaker } from "./rule.ts";
import { type WaitOptions, waitMaker } from "./wait.ts";

/** Options of {@link withBreaker}. */
export interface BreakerOptions extends WaitOptions {
  /**
   * When the breaker of a target opens: `{ consecutive: 5 }` after that many consecutive failures,
   * `{ sampling: { threshold: 0.5, durationMs: 10_000, minimumRps: 1 } }` or `{ count: { threshold: 0.5, size: 20 } }` when
   * more than a share of the dials failed, or a function that returns a cockatiel breaker. Required, because the right
   * rule depends on how often targets are dialed.
   */
  breaker: BreakerRule;
  /**
   * Returns whether a failure counts. A failure that does not count changes nothing. Not called for a caller's abort,
   * which never counts.
   * @defaultValue decided by the error's reason: a failure counts unless it is unrelated to the peer's health
   */
  countsAsFailure?: ((error: unknown) => boolean) | undefined;
  /**
   * Breakers that are kept, one per target, from 1; or `Infinity`. Beyond that, the closed breaker that was dialed least
   * recently is dropped; without a closed one, the least recent open one, which is reported as closed to the dial that
   * takes its place. A breaker whose probe is in progress or whose target was isolated by name is never dropped.
   * @defaultValue 1024
   */
  maxTargets?: number | undefined;
}

/** State of the breaker of one target, as {@link BreakerLayer.states} returns it. */
export interface BreakerStatus {
  /** The target as text, such as `db.internal:5432`. */
  readonly target: string;
  /** State of its breaker. */
  readonly state: BreakerState;
  /** Whether the breaker was opened by {@link BreakerLayer.isolate}. */
  readonly isolated: boolean;
}

/** The middleware that {@link withBreaker} returns, with methods to inspect and control its breakers. */
export interface BreakerLayer extends Middleware {
  /**
   * Returns the state of a target's breaker: `closed` when it was never dialed, `open` when it is isolated. An open
   * breaker turns half open only when a dial arrives after its wait.
   */
  state(target: TargetLike): BreakerState;
  /** Returns the state of all breakers that are kept, the most recently dialed last. */
  states(): readonly BreakerStatus[];
  /**
   * Opens the breaker of a target, or of all targets including those never dialed, until {@link reset}. Dials in
   * progress continue.
   */
  isolate(target?: TargetLike): void;
  /**
   * Closes the breaker of a target, or of all, and clears its counts. The results of dials in progress do not count.
   * After `isolate()` without a target, only `reset()` without a target admits dials again.
   */
  reset(target?: TargetLike): void;
}

const optionNames: OptionNames<BreakerOptions> = {
  breaker: true,
  halfOpenAfterMs: true,
  jitter: true,
  random: true,
  countsAsFailure: true,
  maxTargets: true,
};

/**
 * Stops dialing a target that keeps failing. Each target that reaches this layer has a breaker of its own. An open breaker
 * rejects dials immediately. After a wait it is half open and admits one dial as a probe, whose result closes or reopens
 * it. When the probe is aborted, the next dial is the probe.
 *
 * Put it below `withRetry` and `withFailover`, which then moves to another target, and above the timeout of an attempt:
 * without one, a probe that hangs blocks the target. Compositions that contain the same layer share its breakers.
 *
 * @throws RangeError or TypeError at construction, naming the option.
 * @throws BreakerOpenError from a dial that was not admitted; `withRetry` does not retry it by default.
 * @example
 * const breaker = withBreaker({ breaker: { consecutive: 5 } });
 * const dial = compose(withRetry(), breaker, withTimeout({ timeoutMs: 2_000 }), tcp());
 * @see https://learn.microsoft.com/azure/architecture/patterns/circuit-breaker
 */
export function withBreaker(options: BreakerOptions): BreakerLayer {
  const breakers = breakersOf(options);
  const { countsAsFailure } = options;
  const given = { ...options };

  const middleware = layer(
    (next) =>
      async function breakerDialer(target, context) {
        const { cancel, trace, clock } = context;
        cancel?.throwIfAborted();
        const breaker = breakers.dialed(target, trace);
        const admitted = breaker.admit(clock);
        const { generation } = breaker;
        // Before the hook, which may isolate or reset the breaker.
        const rejected = admitted === undefined ? openError(breaker, context) : undefined;
        breaker.report(trace);
        if (rejected !== undefined) throw rejected;
        const isProbe = admitted === "probe";
        try {
          // A probe that ignores its abort must not block the target until it ends.
          const conn = await (isProbe ? abortable(() => next(target, context), cancel) : next(target, context));
          breaker.succeeded(generation, clock, trace);
          return conn;
        } catch (thrown) {
          const { outcome, error, reason } = outcomeOf(thrown, cancel);
          if (outcome === "failure" && counts(countsAsFailure, error, reason)) {
            breaker.failed(generation, error, clock, trace);
          }
          throw thrown;
        } finally {
          if (isProbe) breaker.leave(generation);
        }
      },
    {
      factory: "withBreaker",
      name: "breaker",
      emits: ["breakerChange"],
      perTarget: true,
      options: () => shownRule(given),
      worstCase: rejecting,
    },
  );

  return Object.assign(middleware, controlsOf(breakers));
}

markFactories({ withBreaker });

/** The options to show. */
function shownRule({ breaker: rule, halfOpenAfterMs, countsAsFailure }: BreakerOptions): ShownOptions {
  return {
    breaker: typeof rule === "function" ? functionName(rule) : shownFields(rule),
    halfOpenAfterMs: typeof halfOpenAfterMs === "function" ? functionName(halfOpenAfterMs) : halfOpenAfterMs,
    countsAsFailure: countsAsFailure && functionName(countsAsFailure),
  };
}

/** Shows a rule as its options were written, such as `count: threshold 0.5, size 20`. */
function shownFields(rule: object): string {
  const shown = Object.entries(rule).map(([name, value]) =>
    typeof value === "object" && value !== null ? `${name}: ${shownFields(value)}` : `${name} ${value}`,
  );
  return shown.join(", ");
}

/** An open breaker rejects a dial at no cost. */
function rejecting(beneath: CostOf, withinMs: number): Cost {
  const cost = beneath(withinMs);
  return { ...cost, rejected: cost.rejected ?? { timeMs: 0, attempts: 0 } };
}

/** Checks the options, and makes the breakers. */
function breakersOf(options: BreakerOptions): Breakers {
  checkOptions("withBreaker", options, optionNames);
  const { breaker: rule, countsAsFailure, maxTargets = 1024, ...waitOptions } = options;
  const parts = { newStrategy: strategyMaker(rule), newWait: waitMaker(waitOptions) };
  if (countsAsFailure !== undefined) checkFunction("withBreaker: countsAsFailure", countsAsFailure);
  checkCount("withBreaker: maxTargets", maxTargets);
  return new Breakers(parts, maxTargets);
}

function controlsOf(breakers: Breakers): Omit<BreakerLayer, keyof Middleware> {
  const parsed = (method: string, target: TargetLike | undefined) =>
    target === undefined ? undefined : parseTargetOf(`withBreaker: ${method}`, target);
  return {
    state(target) {
      const breaker = breakers.get(parseTargetOf("withBreaker: state", target));
      return breaker?.state ?? (breakers.allIsolated ? "open" : "closed");
    },
    states: () => breakers.all().map(({ target, state, isolated }) => ({ target: String(target), state, isolated })),
    isolate: (target) => breakers.isolate(parsed("isolate", target)),
    reset: (target) => breakers.reset(parsed("reset", target)),
  };
}

function counts(countsAsFailure: BreakerOptions["countsAsFailure"], error: unknown, reason: Reason): boolean {
  if (countsAsFailure === undefined) return countsByReason(reason);
  return returnedBoolean("withBreaker: countsAsFailure", countsAsFailure(error));
}

function openError(breaker: Breaker, { clock, state }: Pick<DialContext<never>, "clock" | "state">): BreakerOpenError {
  const { target, openedBy } = breaker;
  const retryAfterMs = breaker.retryAfterMs(clock);
  // The cause of the failure, because the failure's own message repeats the target.
  const root = openedBy instanceof DialError && openedBy.cause !== undefined ? openedBy.cause : openedBy;
  const why = openedBy === undefined ? "" : `: ${messageOf(root)}`;
  return new BreakerOpenError(`dial ${target}: ${rejection(breaker, retryAfterMs)}${why}`, {
    target,
    retryAfterMs,
    cause: openedBy,
    attempts: state?.failures,
    attemptCount: state?.attempts,
  });
}

function rejection(breaker: Breaker, retryAfterMs: number | undefined): string {
  if (breaker.isolated) return "its breaker is isolated";
  if (retryAfterMs === undefined) return "its breaker is half open, and its probe is in progress";
  return `its breaker is open for another ${formatDuration(retryAfterMs)}`;
}
