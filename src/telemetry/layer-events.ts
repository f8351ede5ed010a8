import type { Attributes } from "@opentelemetry/api";
import type {
  BreakerChangeInfo,
  DialTrace,
  FailoverInfo,
  LimitWaitInfo,
  RetryScheduledInfo,
  StartDelayedInfo,
} from "../core/trace.ts";
import { backoffAttributes, endedAttributes } from "./attributes.ts";

/** Hooks that write what layers decide as events of the dial's span: nothing begins or ends with them. */
export function layerEvents(add: (name: string, attributes: Attributes) => void) {
  return {
    retryScheduled: (info: RetryScheduledInfo) => add("backoff", backoffAttributes(info)),
    startDelayed: ({ delayMs }: StartDelayedInfo) => add("start delay", { "dialer.backoff.delay": delayMs / 1000 }),
    failover: ({ from, to, reason }: FailoverInfo) =>
      add("failover", { "dialer.failover.from": String(from), "dialer.endpoint": String(to), "error.type": reason }),
    breakerChange: ({ target, state, previous }: BreakerChangeInfo) =>
      add("breaker", {
        "dialer.endpoint": String(target),
        "dialer.breaker.state": state,
        "dialer.breaker.previous_state": previous,
      }),
    limitWait: (info: LimitWaitInfo) =>
      add("limit wait", {
        "dialer.limit": info.limit,
        "dialer.duration": info.durationMs / 1000,
        ...endedAttributes(info),
      }),
  } satisfies DialTrace;
}
