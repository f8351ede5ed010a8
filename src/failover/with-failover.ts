import { type Clock, systemClock } from "../async/clock.ts";
import { classify } from "../core/classify.ts";
import type { Middleware } from "../core/dialer.ts";
import { parseTargetOf, type TargetLike } from "../core/target.ts";
import { layer } from "../engine/context.ts";
import { type Cost, delayed, greater, repeated } from "../engine/worst-case.ts";
import { functionName } from "../support/function-name.ts";
import { checkedRandom } from "../support/returned.ts";
import { markFactories } from "../support/roles.ts";
import {
  checkCount,
  checkDuration,
  checkFunction,
  checkOneOf,
  checkOptions,
  checkRatio,
  invalid,
  type OptionNames,
} from "../support/validate.ts";
import type { Discover, TargetList } from "./discovery/source.ts";
import { type FailoverPolicy, policyNames } from "./policy.ts";
import { type FailoverLayer, ServiceDial } from "./service-dial.ts";
import { checkSource, Services, type ServicesSettings } from "./services.ts";
import type { TargetStatus } from "./target-status.ts";

/** Options of {@link withFailover}. Either `targets` or `discover` is required. */
export interface FailoverOptions {
  /** The targets, in order; at least one. @defaultValue none: `discover` is required instead */
  targets?: TargetList | undefined;
  /**
   * Finds the targets: `dnsSrv()`, `dnsA()`, an async iterable of lists, or a function of the dialed target that returns
   * one of these or a promise of one. The function is called once per dialed target, and its result is kept as long as
   * the layer. Discovery starts with the first dial, which waits for the first list.
   * @defaultValue none: `targets` is required instead
   */
  discover?: Discover | undefined;
  /** Picks the next target. @defaultValue `"in_order"` */
  policy?: FailoverPolicy | undefined;
  /** Consecutive failures after which a target is ejected, from 1; `Infinity` for never. @defaultValue 5 */
  ejectAfter?: number | undefined;
  /**
   * Duration of the first ejection, in milliseconds, from 1. It doubles with each further ejection, until a success.
   * @defaultValue 1000
   */
  ejectionMs?: number | undefined;
  /** Longest ejection, in milliseconds, from `ejectionMs`. @defaultValue 60 000 */
  maxEjectionMs?: number | undefined;
  /** Share of the targets that is never ejected, from 0 to 1. @defaultValue 0.5 */
  minShare?: number | undefined;
  /**
   * Time constant of the latency average of `least_loaded`, in milliseconds, from 1: a latency decays to 1/e in this
   * time. @defaultValue 10 000
   */
  decayMs?: number | undefined;
  /** Source of random numbers from 0 to below 1, for tests. @defaultValue `Math.random` */
  random?: (() => number) | undefined;
}

/** The middleware that {@link withFailover} returns. All compositions that contain it share its state. */
export interface Failover extends Middleware {
  /**
   * Reports how a target works after it was dialed: with `error`, its protocol failed; without, it works. Such failures
   * are counted apart from failed dials, because a target that accepts connections may still fail each request. Applies
   * to every list that contains the target. Aborts and unknown targets are ignored.
   */
  mark(target: TargetLike, error?: unknown): void;
  /** Returns the status of every target, for one service after the other. */
  targets(): readonly TargetStatus[];
  /** Ends discovery. Dials continue with the last list. */
  close(): void;
  [Symbol.dispose](): void;
}

const optionNames: OptionNames<FailoverOptions> = {
  targets: true,
  discover: true,
  policy: true,
  ejectAfter: true,
  ejectionMs: true,
  maxEjectionMs: true,
  minShare: true,
  decayMs: true,
  random: true,
};

/**
 * Dials one of several targets in place of the target that the caller names. That target is the name of a service; it
 * appears in errors and in the hooks of the layers above. The policy picks the target of each dial. With `withRetry`
 * above, each retry goes to a target that the dial has not attempted, until all have been. Put a `withTimeout` below to
 * bound each attempt. A target whose breaker (below) is open is skipped immediately; the dial rejects with
 * `circuit_open` when all are open.
 *
 * A target that keeps failing is ejected for a time, but never more targets than `minShare` permits; when all are
 * ejected, they are dialed nevertheless. Time is taken from the clock of the dials.
 *
 * @throws RangeError or TypeError at construction, naming the option.
 * @throws NoTargetError from the dial when the list is empty.
 * @throws DialError from the dial when there is no first list, with the reason of the error that discovery threw.
 * @example
 * const failover = withFailover({ targets: ["a:4222", "b:4222"], policy: "round_robin" });
 * const dial = compose(withRetry(), failover, withTimeout({ timeoutMs: 2_000 }), tcp());
 * await dial("orders:4222");
 * @see https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier
 */
export function withFailover(options: FailoverOptions): Failover {
  const { random, ...settings } = settingsOf(options);
  let clock: Clock = systemClock;
  const services = new Services({ ...settings, clock: () => clock });
  const shared: FailoverLayer = { random, attemptedKey: Symbol("dialtrace.attemptedTargets") };

  const middleware = layer(
    (next) =>
      async function failoverDialer(target, context) {
        context.cancel?.throwIfAborted();
        clock = context.clock;
        const service = services.of(target);
        if (!service.ready) await service.begin(target, clock, context.cancel);
        return new ServiceDial(shared, service, target, context).run(next);
      },
    {
      factory: "withFailover",
      name: "failover",
      emits: ["failover"],
      retargets: true,
      options: () => ({
        policy: typeof settings.policy === "function" ? functionName(settings.policy) : settings.policy,
        targets: services.statuses(clock.now()).map(({ target }) => String(target)),
        discover: settings.discover && shownDiscover(settings.discover),
      }),
      worstCase: (beneath, withinMs) =>
        failoverCost(settings.targets && services.statuses(0).length, beneath(withinMs)),
    },
  );
  const close = () => services.close();
  return Object.assign(middleware, {
    mark(target: TargetLike, error?: unknown): void {
      const works = error === undefined || error === null;
      if (!works && classify(error) === "canceled") return;
      services.mark(parseTargetOf("withFailover: mark", target).toString(), works, clock.now());
    },
    targets: () => services.statuses(clock.now()),
    close,
    [Symbol.dispose]: close,
  });
}

markFactories({ withFailover });

function shownDiscover(discover: Discover): string {
  return typeof discover === "function" ? functionName(discover) : functionName(discover.constructor);
}

/** A target whose breaker rejects the dial is followed by the next one; a list that is discovered has any length. */
function failoverCost(targets: number | undefined, cost: Cost): Cost {
  const count = targets ?? Number.POSITIVE_INFINITY;
  const worst = greater(cost, repeated(cost.rejected, count - 1, cost) as Cost);
  const all = { ...worst, rejected: repeated(cost.rejected, count - 1, cost.rejected) };
  // The first dial waits for the first list.
  return targets === undefined ? delayed(all, Number.POSITIVE_INFINITY) : all;
}

/** Checks the options and fills in the defaults. */
function settingsOf(options: FailoverOptions): Omit<ServicesSettings, "clock"> & Pick<FailoverLayer, "random"> {
  checkOptions("withFailover", options, optionNames);
  const { targets, discover, policy = "in_order", random: source = Math.random, decayMs = 10_000 } = options;
  const { ejectAfter = 5, ejectionMs = 1000, maxEjectionMs = 60_000, minShare = 0.5 } = options;
  if (typeof policy === "function") checkFunction("withFailover: policy", policy);
  else checkOneOf("withFailover: policy", policy, policyNames);
  checkFunction("withFailover: random", source);
  checkDuration("withFailover: decayMs", decayMs);
  checkCount("withFailover: ejectAfter", ejectAfter);
  checkDuration("withFailover: ejectionMs", ejectionMs);
  checkDuration("withFailover: maxEjectionMs", maxEjectionMs, ejectionMs);
  checkRatio("withFailover: minShare", minShare);
  if (typeof discover === "function") checkFunction("withFailover: discover", discover);
  else if (discover !== undefined) checkSource(discover);
  if ((targets === undefined) === (discover === undefined)) {
    throw invalid(TypeError, "withFailover: exactly one of targets and discover must be given");
  }
  const random = checkedRandom("withFailover: random", source);
  return { targets, discover, policy, decayMs, ejectAfter, ejectionMs, maxEjectionMs, minShare, random };
}
