import type { Duplex } from "node:stream";
import type { Reason } from "../core/reasons.ts";
import type { Target } from "../core/target.ts";
import type { DialContext, Run } from "../engine/context.ts";
import type { DialState } from "../engine/dial-state.ts";
import { outcomeOf } from "../engine/outcome.ts";
import { AttemptedTargets } from "./attempted-targets.ts";
import type { Service } from "./service.ts";
import type { Endpoint } from "./target-status.ts";

/** Latency counted for a failed dial, at least: for `least_loaded`, a target that fails fast is not a fast target. */
const minFailureLatencyMs = 1000;

/** Failures of this host, which say nothing about a target. */
const ownReasons: ReadonlySet<Reason> = new Set(["local_resource", "config", "no_target", "pool_exhausted"]);

/** What the dials of one `withFailover` have in common. */
export interface FailoverLayer {
  readonly random: () => number;
  /** Key of the dial's {@link AttemptedTargets} in its state; a WeakMap keyed by state would burden the collector. */
  readonly attemptedKey: symbol;
}

type LayerState = DialState & { [key: symbol]: AttemptedTargets | undefined };

/** One pass of a dial through `withFailover`: picks a target, dials it, and records the result. */
export class ServiceDial<C extends Duplex> {
  readonly #layer: FailoverLayer;
  readonly #service: Service;
  readonly #target: Target;
  readonly #context: DialContext<C>;
  /** The dial's state, which keeps the attempted targets until a retry; dials inside a base dialer share one state. */
  readonly #state: LayerState | undefined;
  #attempted: AttemptedTargets | undefined;

  constructor(layer: FailoverLayer, service: Service, target: Target, context: DialContext<C>) {
    const { state } = context;
    this.#layer = layer;
    this.#service = service;
    this.#target = target;
    this.#context = context;
    this.#state = state === undefined || state.insideAttempt ? undefined : (state as LayerState);
    this.#attempted = this.#state?.[layer.attemptedKey];
  }

  async run(next: Run<C>): Promise<C> {
    const { clock, cancel } = this.#context;
    const { random } = this.#layer;
    let skipped: Set<Endpoint> | undefined;
    let rejection: unknown;
    for (;;) {
      const startedAt = clock.now();
      const endpoint = this.#service.next({ target: this.#target, random, now: startedAt }, this.#attempted);
      if (skipped?.has(endpoint)) throw rejection;
      this.#moveTo(endpoint);
      endpoint.dialing += 1;
      try {
        const conn = await next(endpoint.target, this.#context);
        this.#succeeded(endpoint, conn, startedAt);
        return conn;
      } catch (thrown) {
        const reason = this.#outcomeOf(endpoint, thrown, startedAt);
        // An open breaker rejected the dial before anything was dialed: the next target needs no retry and no delay.
        if (reason !== "circuit_open" || cancel?.aborted) throw thrown;
        skipped ??= new Set();
        skipped.add(endpoint);
        rejection = thrown;
      } finally {
        endpoint.dialing -= 1;
      }
    }
  }

  #moveTo(endpoint: Endpoint): void {
    if (this.#attempted === undefined) {
      this.#attempted = new AttemptedTargets(endpoint);
      if (this.#state !== undefined) this.#state[this.#layer.attemptedKey] = this.#attempted;
      return;
    }
    const { last, failure } = this.#attempted;
    if (failure !== undefined && last !== endpoint) {
      const { trace } = this.#context;
      trace?.failover?.({ target: this.#target, from: last.target, to: endpoint.target, ...failure });
    }
    this.#attempted.moveTo(endpoint);
  }

  #succeeded(endpoint: Endpoint, conn: C, startedAt: number): void {
    endpoint.opened(conn);
    const now = this.#context.clock.now();
    endpoint.latency.observe(now - startedAt, now);
    this.#service.targetSet.succeeded(endpoint, now, false);
  }

  /** Returns the reason of the failure; `undefined` for a cancel. */
  #outcomeOf(endpoint: Endpoint, thrown: unknown, startedAt: number): Reason | undefined {
    const { outcome, error, reason } = outcomeOf(thrown, this.#context.cancel);
    if (outcome === "canceled") return undefined;
    if (this.#attempted?.last === endpoint) this.#attempted.failure = { error, reason };
    if (!ownReasons.has(reason)) {
      const now = this.#context.clock.now();
      endpoint.latency.observe(Math.max(now - startedAt, minFailureLatencyMs), now);
      this.#service.targetSet.failed(endpoint, now, false);
    }
    return reason;
  }
}
