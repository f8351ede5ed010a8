import { checkClientTrace } from "../client/client-events.ts";
import type { ClientTraceLike } from "../client/client-trace.ts";
import { markFactories } from "../support/roles.ts";
import { checkDuration, checkOptions, invalid, show } from "../support/validate.ts";
import type { AnyConnection } from "./any-connection.ts";
import { knownClient } from "./known-clients.ts";
import { measureRtt } from "./rtt.ts";
import { ConnectionWatch } from "./watch.ts";

export interface InstrumentOptions {
  /** What observes the connection, such as `natsMetrics()` of `dialtrace/prometheus`. */
  trace: ClientTraceLike;
  /** Measures a round trip every so many milliseconds, by a PING of its own. @defaultValue none is measured */
  rttIntervalMs?: number | undefined;
}

export interface Instrumentation {
  /** Ends the observation; nothing is told after it. The connection lives on. */
  stop(): void;
}

/**
 * Observes a NATS connection that stands already, whoever made it: transport-node's `connect()`,
 * `wsconnect()`, `nats` 2.x's or this package's. Nothing of the connection is patched or changed; it is read and
 * looked at from outside. May be called several times for one connection, each with observers of its own.
 *
 * Of a connection made elsewhere a drain is noticed late: when the observer asks for a refresh, at the
 * next event, or at the close.
 *
 * @throws TypeError or RangeError naming the argument that can't be used.
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
