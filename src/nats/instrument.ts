import { checkClientTrace } from "../client/client-events.ts";
import type { ClientTraceLike } from "../client/client-trace.ts";
import { markFactories } from "../support/roles.ts";
import { checkDuration, checkOptions, invalid, show } from "../support/validate.ts";
import type { AnyConnection } from "./any-connection.ts";
import { knownClient } from "./known-clients.ts";
import { measureRtt } from "./rtt.ts";
import { ConnectionWatch } from "./watch.ts";

/** Options of {@link instrument}. */
export interface InstrumentOptions {
  /** One or several observers of the connection, such as `natsMetrics()` of `dialtrace/prometheus`. */
  trace: ClientTraceLike;
  /** Interval in milliseconds at which the round-trip time is measured, by a PING. @defaultValue never */
  rttIntervalMs?: number | undefined;
}

/** An observation that {@link instrument} has begun. */
export interface Instrumentation {
  /** Ends the observation: no hook is called after it. The connection stays open. */
  stop(): void;
}

/**
 * Observes an existing NATS connection of transport-node's `connect()`, `wsconnect()`, `nats` 2.x or this package. It only
 * reads what the connection exposes and patches nothing. It may be called several times for one connection, each time with
 * other observers.
 *
 * The drain of a connection made elsewhere is noticed late: when an observer requests a refresh, at the next event, or at
 * the close.
 *
 * @throws TypeError or RangeError naming the invalid argument.
 * @example
 * const { stop } = instrument(nc, { trace: natsMetrics({ registry, name: "orders" }) });
 */
export function instrument(nc: AnyConnection, options: InstrumentOptions): Instrumentation {
  if (typeof nc?.status !== "function") {
    throw invalid(TypeError, `instrument: nc must be a NATS connection, with status(), got ${show(nc)}`);
  }
  checkOptions("instrument", options, { trace: true, rttIntervalMs: true });
  const { trace, rttIntervalMs } = options;
  checkClientTrace("instrument: trace", trace);
  if (rttIntervalMs !== undefined) checkDuration("instrument: rttIntervalMs", rttIntervalMs);

  const known = knownClient(nc)?.events;
  const watch = known === undefined ? new ConnectionWatch(nc) : undefined;
  const events = known ?? (watch as ConnectionWatch).events;
  const detach = events.observe(trace);
  if (events.state === "closed") {
    detach();
    return { stop() {} };
  }
  const stopRtt = rttIntervalMs === undefined ? undefined : measureRtt(nc, rttIntervalMs, events);
  return {
    stop() {
      watch?.stop();
      stopRtt?.();
      detach();
    },
  };
}

markFactories({ instrument });
