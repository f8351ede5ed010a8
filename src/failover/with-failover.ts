import { type Clock, systemClock } from "../async/clock.ts";
import { classify } from "../core/classify.ts";
import type { Middleware } from "../core/dialer.ts";
import type { Reason } from "../core/reasons.ts";
import { parseTarget, type TargetLike } from "../core/target.ts";
import { layer } from "../engine/context.ts";
import type { DialState } from "../engine/dial-state.ts";
import { outcomeOf } from "../engine/outcome.ts";
import { checkedRandom } from "../support/returned.ts";
import { markFactories } from "../support/roles.ts";
import {
  checkCount,
  checkDuration,
  checkFunction,
  checkOneOf,
  checkOptions,
  invalid,
  type OptionNames,
  show,
} from "../support/validate.ts";
import { Journey } from "./attempted-targets.ts";
import type { TargetList } from "./discovery/source.ts";
import { type FailoverPolicy, policyNames } from "./policy.ts";
import { checkSource, type Discover, Services } from "./services.ts";
import type { Endpoint, TargetStatus } from "./target-status.ts";

export interface FailoverOptions {
  /** The targets, in order. Either these or {@link FailoverOptions.discover}. */
  targets?: TargetList | undefined;
  /**
   * Where lists of targets come from: `dnsSrv()`, `dnsA()`, an async iterable of whole lists, or a function that returns
   * one of these, or a promise of one, for what the caller dials, called once for each name, whose targets are kept as long as the layer. The first dial
   * starts it and waits for the first list.
   */
  discover?: Discover | undefined;
  /** Which target is next. @defaultValue `"in_order"` */
  policy?: FailoverPolicy | undefined;
  /** Failures in a row after which a target is left alone; `Infinity` for never. @defaultValue 5 */
  ejectAfter?: number | undefined;
  /** For how long at first; twice as long each time that it fails again, until a success. @defaultValue 1000 */
  ejectionMs?: number | undefined;
  /** No ejection is longer. @defaultValue 60 000 */
  maxEjectionMs?: number | undefined;
  /** Share of the targets that are never ejected, however they fail, from 0 to 1. @defaultValue 0.5 */
  minShare?: number | undefined;
  /** Time in which `least_loaded` forgets most (1 - 1/e) of a latency. @defaultValue 10 000 */
  decayMs?: number | undefined;
  /** Source of randomness, from 0 to below 1. For tests. @defaultValue `Math.random` */
  random?: (() => number) | undefined;
}

/** The layer that {@link withFailover} makes. All compositions that it stands in share what it knows. */
export interface Failover extends Middleware {
  /**
   * Tells how a target did after it was dialed, by the protocol: with an error that it failed, without that it works. Such failures
   * are counted apart from those of dials, for a target that accepts connections may still fail each request. Goes for every list that
   * the target is in. Aborts and other targets are ignored.
   */
  mark(target: TargetLike, error?: unknown): void;
  /** How the targets stand, those of each name one after the other. */
  targets(): readonly TargetStatus[];
  /** Ends discovery. Dials go on with the last list. */
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

/** For `least_loaded` a target that fails at once is not a fast one. */
const leastFailureMs = 1000;

/** What goes wrong on our own side: no target is to blame. */
const ownReasons: ReadonlySet<Reason> = new Set(["local_resource", "config", "no_target", "pool_exhausted"]);

/**
 * Dials one of several targets, in place of what the caller names: that is the name of a service, which errors and the
 * hooks above this layer show. Each dial goes to the one target that the policy picks. `withRetry` outside makes the same dial
 * come again: it goes to one that it has not tried, until all have been. `withTimeout` inside bounds each. A target whose
 * breaker, inside too, is open is passed over at once; the dial fails with `circuit_open` when all are.
 *
 * A target that fails again and again is ejected for a while, but no more of them than `minShare` allows; should all
 * be, they are dialed all the same. Time is taken from the clock of the dials.
 *
 * @throws RangeError or TypeError at construction, naming the option.
 * @throws NoTargetError from the dial, when the list is empty.
 * @throws DialError from the dial, when the first list can't be had: with the reason of what discovery has thrown.
 * @example
 * const failover = withFailover({ targets: ["a:4222", "b:4222"], policy: "round_robin" });
 * const dial = compose(withRetry(), failover, withTimeout({ timeoutMs: 2_000 }), tcp());
 * await dial("orders:4222");
 * @see https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier
 */
export function withFailover(options: FailoverOptions): Failover {
  checkOptions("withFailover", options, optionNames);
  const { targets, discover, policy = "in_order", random: source = Math.random, decayMs = 10_000 } = options;
  const { ejectAfter = 5, ejectionMs = 1000, maxEjectionMs = 60_000, minShare = 0.5 } = options;
  if (typeof policy === "function") checkFunction("withFailover: policy", policy);
  else checkOneOf("withFailover: policy", policy, policyNames);
  checkFunction("withFailover: random", source);
  const random = checkedRandom("withFailover: random", source);
  checkDuration("withFailover: decayMs", decayMs);
  checkCount("withFailover: ejectAfter", ejectAfter);
  checkDuration("withFailover: ejectionMs", ejectionMs);
  checkDuration("withFailover: maxEjectionMs", maxEjectionMs, ejectionMs);
  if (typeof minShare !== "number" || !(minShare >= 0 && minShare <= 1)) {
    throw invalid(RangeError, `withFailover: minShare must be a number from 0 to 1, got ${show(minShare)}`);
  }
  if (typeof discover === "function") checkFunction("withFailover: discover", discover);
  else if (discover !== undefined) checkSource(discover);
  if ((targets === undefined) === (discover === undefined)) {
    throw invalid(TypeError, "withFailover: needs either targets or discover");
  }

  let clock: Clock = systemClock;
  const ejection = { ejectAfter, ejectionMs, maxEjectionMs, minShare };
  const services = new Services({ targets, discover, policy, decayMs, ...ejection, clock: () => clock });
  /** Where a dial's state keeps what it has tried here: a WeakMap of what lives briefly costs the collector much. */
  const journeyKey: unique symbol = Symbol("dialtrace.journey");
  type Travelling = DialState & { [journeyKey]?: Journey };

  const middleware = layer(
    (next) =>
      async function failoverDialer(target, context) {
        const { cancel, trace, state } = context;
        clock = context.clock;
        const service = services.of(target);
        if (!service.ready) await service.begin(target, clock, cancel);
        const { roster } = service;

        // Whatever is dialed inside base dialers shares one state.
        const own: Travelling | undefined = state === undefined || state.insideAttempt ? undefined : state;
        let journey = own?.[journeyKey];
        /** Targets whose breaker has turned this try down, and the last one's error. */
        let open: Set<Endpoint> | undefined;
        let rejection: unknown;
        for (;;) {
          const startedAt = clock.now();
          const endpoint = service.next({ target, random, now: startedAt }, journey);
          if (open?.has(endpoint)) throw rejection;
          if (journey === undefined) {
            journey = new Journey(endpoint);
            if (own !== undefined) own[journeyKey] = journey;
          } else {
            const { last, failure } = journey;
            if (failure !== undefined && last !== endpoint) {
              trace?.failover?.({ target, from: last.target, to: endpoint.target, ...failure });
            }
            journey.goTo(endpoint);
          }

          endpoint.dialing += 1;
          try {
            const conn = await next(endpoint.target, context);
            endpoint.opened(conn);
            const now = context.clock.now();
            endpoint.latency.observe(now - startedAt, now);
            roster.succeeded(endpoint, now, false);
            return conn;
          } catch (thrown) {
            const { outcome, error, reason } = outcomeOf(thrown, cancel);
            if (outcome === "failure") {
              if (journey.last === endpoint) journey.failure = { error, reason };
              if (!ownReasons.has(reason)) {
                const now = context.clock.now();
                endpoint.latency.observe(Math.max(now - startedAt, leastFailureMs), now);
                roster.failed(endpoint, now, false);
              }
            }
            // Nothing was dialed: going on takes no retry, and no wait.
            if (reason !== "circuit_open" || cancel?.aborted) throw thrown;
            open ??= new Set();
            open.add(endpoint);
            rejection = thrown;
          } finally {
            endpoint.dialing -= 1;
          }
        }
      },
    { name: "failover" },
  );

  const close = () => services.close();
  return Object.assign(middleware, {
    mark(target: TargetLike, error?: unknown): void {
      const works = error === undefined || error === null;
      if (!works && classify(error) === "canceled") return;
      const key = parseTarget(target).toString();
      for (const { roster } of services.all()) {
        const endpoint = roster.find(key);
        if (endpoint === undefined) continue;
        if (works) roster.succeeded(endpoint, clock.now(), true);
        else roster.failed(endpoint, clock.now(), true);
      }
    },
    targets: () => services.all().flatMap(({ roster }) => roster.statuses(clock.now())),
    close,
    [Symbol.dispose]: close,
  });
}

markFactories({ withFailover });
