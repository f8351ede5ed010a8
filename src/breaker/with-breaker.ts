import { abortable } from "../async/abortable.ts";
import type { Middleware } from "../core/dialer.ts";
import { DialError } from "../core/errors.ts";
import type { BreakerState } from "../core/event-values.ts";
import { formatDuration } from "../core/format.ts";
import { parseTarget, type TargetLike } from "../core/target.ts";
import { type DialContext, layer } from "../engine/context.ts";
import { type Failed, outcomeOf } from "../engine/outcome.ts";
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

export interface BreakerOptions extends WaitOptions {
  /**
   * When the breaker of a target opens: `{ consecutive: 5 }` after so many failures in a row,
   * `{ sampling: { threshold: 0.5, durationMs: 10_000, minimumRps: 1 } }` or
   * `{ count: { threshold: 0.5, size: 20 } }` when more than a share has failed, or a function that makes
   * a breaker of cockatiel's kind. Required: how often one dials decides what fits.
   */
  breaker: BreakerRule;
  /**
   * Whether a failure counts, by `true` or `false`. One that doesn't changes nothing; nor does a caller's abort, which is not asked about.
   * @defaultValue by the error's reason: whether it speaks of the peer
   */
  countsAsFailure?: ((error: unknown) => boolean) | undefined;
  /**
   * Targets that are remembered. Beyond, those whose breaker is closed are forgotten, the least recently
   * dialed first; where none is closed, open ones, which the dial that takes their room is told of as closed;
   * never one whose probe is under way or that was isolated by name.
   * @defaultValue 1024
   */
  maxTargets?: number | undefined;
}

/** What {@link BreakerLayer.states} tells of a target. */
export interface BreakerStatus {
  readonly target: string;
  readonly state: BreakerState;
  /** Whether it was isolated by hand. */
  readonly isolated: boolean;
}

/** The decorator, and what can be asked of it and done by hand. */
export interface BreakerLayer extends Middleware {
  /**
   * The state of a target's breaker; `closed` for one never dialed. An open one stays so until a dial
   * meets it after its wait, however long that takes; an isolated one is `open`.
   */
  state(target: TargetLike): BreakerState;
  /** The breakers that are remembered, the most recently dialed last. */
  states(): readonly BreakerStatus[];
  /**
   * Rejects every dial to the target, or to all targets, those never dialed too, until {@link reset}. Dials
   * that are under way go on.
   */
  isolate(target?: TargetLike): void;
  /**
   * Closes the breaker of the target, or of all, and forgets what it has counted; what dials under way
   * bring counts nothing. After `isolate()` without a target only `reset()` without one lets dials through.
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
 * Stops dialing a target that keeps failing. Each target, as it is named at this place among the layers, has a
 * breaker of its own: once open it rejects at once; after a wait it is half open and lets one dial
 * through, whose end closes or opens it again. An abort of that one leaves the place to the next.
 *
 * Belongs beneath `withRetry` and `withFailover`, which then goes on with another target, and above the
 * timeout of an attempt, without which a probe that hangs keeps its place. In several compositions the same
 * layer shares its breakers.
 *
 * @throws RangeError or TypeError at construction, naming the option.
 * @throws BreakerOpenError from the dial, when it was not let through; retries don't try again by default.
 * @example
 * const breaker = withBreaker({ breaker: { consecutive: 5 } });
 * const dial = compose(withRetry(), breaker, withTimeout({ timeoutMs: 2_000 }), tcp());
 * @see https://learn.microsoft.com/azure/architecture/patterns/circuit-breaker
 */
export function withBreaker(options: BreakerOptions): BreakerLayer {
  checkOptions("withBreaker", options, optionNames);
  const { breaker: rule, countsAsFailure, maxTargets = 1024, ...waitOptions } = options;
  const parts = { newStrategy: strategyMaker(rule), newWait: waitMaker(waitOptions) };
  if (countsAsFailure !== undefined) checkFunction("withBreaker: countsAsFailure", countsAsFailure);
  checkCount("withBreaker: maxTargets", maxTargets);
  const breakers = new Breakers(parts, maxTargets);

  const counts = (ended: Failed) => {
    if (ended.outcome === "canceled") return false;
    if (countsAsFailure === undefined) return countsByReason(ended.reason);
    return returnedBoolean("withBreaker: countsAsFailure", countsAsFailure(ended.error));
  };

  const middleware = layer(
    (next) =>
      async function breakerDialer(target, context) {
        const { cancel, trace, clock } = context;
        cancel?.throwIfAborted();
        const breaker = breakers.dialed(target, trace);
        const admitted = breaker.admit(clock);
        const { generation } = breaker;
        // Before the hook, which may change the breaker by hand.
        const rejected = admitted === undefined ? openError(breaker, context) : undefined;
        breaker.tell(trace);
        if (rejected !== undefined) throw rejected;
        const isProbe = admitted === "probe";
        try {
          // Of a probe that takes no notice of the abort nobody would wait for the end, but its place.
          const conn = await (isProbe ? abortable(() => next(target, context), cancel) : next(target, context));
          breaker.succeeded(generation, clock, trace);
          return conn;
        } catch (thrown) {
          const ended = outcomeOf(thrown, cancel);
          if (counts(ended)) breaker.failed(generation, ended.error, clock, trace);
          throw thrown;
        } finally {
          if (isProbe) breaker.leave(generation);
        }
      },
    { name: "breaker" },
  );

  const optional = (target: TargetLike | undefined) => (target === undefined ? undefined : parseTarget(target));
  return Object.assign(middleware, {
    state(target: TargetLike): BreakerState {
      return breakers.get(parseTarget(target))?.state ?? (breakers.allIsolated ? "open" : "closed");
    },
    states: () => breakers.all().map(({ target, state, isolated }) => ({ target: String(target), state, isolated })),
    isolate: (target?: TargetLike) => breakers.isolate(optional(target)),
    reset: (target?: TargetLike) => breakers.reset(optional(target)),
  });
}

markFactories({ withBreaker });

function openError(breaker: Breaker, { clock, state }: Pick<DialContext<never>, "clock" | "state">): BreakerOpenError {
  const { target, openedBy } = breaker;
  const retryAfterMs = breaker.retryAfterMs(clock);
  // The failure's own cause: its message would name the target once more.
  const root = openedBy instanceof DialError && openedBy.cause !== undefined ? openedBy.cause : openedBy;
  const why = openedBy === undefined ? "" : `: ${messageOf(root)}`;
  return new BreakerOpenError(`dial ${target}: ${rejection(breaker, retryAfterMs)}${why}`, {
    target,
    retryAfterMs,
    cause: openedBy,
    attempts: state && [...state.failures],
    attemptCount: state?.attempts,
  });
}

function rejection(breaker: Breaker, retryAfterMs: number | undefined): string {
  if (breaker.isolated) return "its breaker is isolated";
  if (retryAfterMs === undefined) return "its breaker is half open, and a probe under way";
  return `its breaker is open for another ${formatDuration(retryAfterMs)}`;
}
