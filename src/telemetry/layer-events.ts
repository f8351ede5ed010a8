import type { Attributes } from "@opentelemetry/api";
import type {
  BreakerChangeInfo,
  DialDoneInfo,
  FailoverInfo,
  LimitWaitInfo,
  RetryScheduledInfo,
  StartDelayedInfo,
} from "../core/trace.ts";
import { backoffAttributes, endedAttributes } from "./attributes.ts";

/** Records the decisions of layers as events of the dial's span. */
export abstract class LayerEvents {
  /** Called when the dial ends, before its span ends. */
  ended: ((info: DialDoneInfo) => void) | undefined = undefined;

  /** Adds an event to the dial's span unless the span has ended. */
  protected abstract add(name: string, attributes: Attributes): void;

  retryScheduled(info: RetryScheduledInfo): void {
    this.add("backoff", backoffAttributes(info));
  }

  startDelayed({ delayMs }: StartDelayedInfo): void {
    this.add("start delay", { "dialer.backoff.delay": delayMs / 1000 });
  }

  failover({ from, to, reason }: FailoverInfo): void {
    this.add("failover", {
      "dialer.failover.from": String(from),
      "dialer.endpoint": String(to),
      "error.type": reason,
    });
  }

  breakerChange({ target, state, previous }: BreakerChangeInfo): void {
    this.add("breaker", {
      "dialer.endpoint": String(target),
      "dialer.breaker.state": state,
      "dialer.breaker.previous_state": previous,
    });
  }

  limitWait(info: LimitWaitInfo): void {
    this.add("limit wait", {
      "dialer.limit.type": info.limit,
      "dialer.duration": info.durationMs / 1000,
      ...endedAttributes(info),
    });
  }
}
