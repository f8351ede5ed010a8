import type { ClientObserver } from "../client/client-trace.ts";
import type { Middleware } from "../core/dialer.ts";
import { attach } from "../engine/observe.ts";
import { renamable } from "../engine/renamed.ts";
import type { PoolObserver } from "../pool/pool-trace.ts";
import { handled } from "../support/handled.ts";
import { markObserver } from "../support/observed-places.ts";
import { markFactories } from "../support/roles.ts";
import { checkDuration, checkOptions, invalid, show } from "../support/validate.ts";
import { type RequestHandler, requestHandler } from "./handler.ts";
import { hostOf } from "./hosts.ts";
import { type InspectorListenOptions, type InspectorServer, listen } from "./listen.ts";
import { LiveUpdates } from "./live.ts";
import type { InspectorSnapshot } from "./snapshot.ts";
import { summarize } from "./summarize.ts";
import { checkTraceLink } from "./trace-link.ts";
import { Watch } from "./watch.ts";

/** Options of {@link inspector}. */
export interface InspectorOptions {
  /** Number of successful and canceled dials to remember, 0 to 10,000. @defaultValue 200 */
  recentDials?: number | undefined;
  /** Number of failed dials to remember, 0 to 10,000. @defaultValue 100 */
  recentFailures?: number | undefined;
  /** Accepted `Host` names besides those of loopback, without port. @defaultValue none */
  hosts?: readonly string[] | undefined;
  /** Maximum number of live viewers, 0 to 100. Further pages poll every 5 s instead. @defaultValue 8 */
  maxViewers?: number | undefined;
  /** Interval between live updates in milliseconds, at least 50. @defaultValue 1000 */
  updateMs?: number | undefined;
  /**
   * Template of the links from dials to their traces: an http or https URL in which `{traceId}` stands for the trace id,
   * such as `"https://jaeger.internal/trace/{traceId}"`. Dials have a trace id if `withTracing` is above
   * {@link Inspector.observe}. @defaultValue none: the page shows trace ids without links
   */
  traceLink?: string | undefined;
}

/** Options of {@link Inspector.observe}, {@link Inspector.pool} and {@link Inspector.client}. */
export interface InspectorNameOptions {
  /** Name on the page, 1 to 128 characters. @defaultValue the client's own name, or `"default"` */
  name?: string | undefined;
}

/** A live page of the process's dials and connections. Several dialers, pools and clients can share one. */
export interface Inspector {
  /** Returns a layer that shows all dials beneath it on the page. */
  observe(options?: InspectorNameOptions): Middleware;
  /**
   * Returns an observer that shows pools on the page, for `pool({ trace })`. A pool with the name of its dialer is also
   * shown on that dialer's card.
   */
  pool(options?: InspectorNameOptions): PoolObserver;
  /** Returns an observer that shows clients on the page, for `connect({ trace })` of `dialtrace/nats`. */
  client(options?: InspectorNameOptions): ClientObserver;
  /** Returns the data of the page, as served at `json`. */
  snapshot(): InspectorSnapshot;
  /** Returns a handler for `http.createServer`, Express and similar frameworks, which works under any path. */
  handler(): RequestHandler;
  /** Starts a server for the page, on loopback by default. */
  listen(options?: InspectorListenOptions): Promise<InspectorServer>;
}

/**
 * Creates a live page of open connections, recent dials as waterfalls, pools, and clients. Its memory is bounded, and byte
 * counters of sockets are read on demand.
 *
 * @throws RangeError or TypeError at construction if an option is invalid.
 * @example
 * const page = inspector();
 * const dial = compose(page.observe({ name: "orders" }), withRetry(), tcp());
 * const { url } = await page.listen();
 */
export function inspector(options: InspectorOptions = {}): Inspector {
  checkOptions("inspector", options, {
    recentDials: true,
    recentFailures: true,
    hosts: true,
    maxViewers: true,
    updateMs: true,
    traceLink: true,
  });
  const { recentDials = 200, recentFailures = 100, hosts = [], maxViewers = 8, updateMs = 1000 } = options;
  checkWithin("inspector: recentDials", recentDials, 10_000);
  checkWithin("inspector: recentFailures", recentFailures, 10_000);
  checkWithin("inspector: maxViewers", maxViewers, 100);
  checkDuration("inspector: updateMs", updateMs, 50);
  const allowed = checkHosts(hosts);
  const traceLink = checkTraceLink("inspector: traceLink", options.traceLink);
  const watch = new Watch(recentDials, recentFailures, traceLink);
  const live = new LiveUpdates(watch, maxViewers, updateMs);

  const observe = (named: InspectorNameOptions = {}): Middleware => {
    const name = checkName("inspector.observe", named) ?? "default";
    const observer = attach(watch.dials(name), {
      place: { factory: "inspector.observe", name, into: watch },
      composed: (outermost) => watch.composed(name, outermost),
    });
    return renamable(observer, (other) => observe({ name: other }));
  };

  return {
    observe,
    pool(named = {}) {
      const name = checkName("inspector.pool", named) ?? "default";
      return markObserver(watch.poolsOf(name), "pools", { factory: "inspector.pool", name, into: watch });
    },
    client(named = {}) {
      const name = checkName("inspector.client", named);
      return markObserver(watch.clientsOf(name), "clients", {
        factory: "inspector.client",
        name: name ?? "default",
        into: watch,
      });
    },
    snapshot: () => summarize(watch),
    handler: () => requestHandler(watch, live, allowed),
    // A page that can't be served must not end a program that did not wait for it.
    listen: (where = {}) =>
      handled(listen(where, (host) => requestHandler(watch, live, new Set([...allowed, host.toLowerCase()])))),
  };
}

markFactories({ inspector });

function checkWithin(option: string, value: unknown, max: number): void {
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > max) {
    throw invalid(RangeError, `${option} must be a whole number from 0 to ${max}, got ${show(value)}`);
  }
}

function checkHosts(hosts: unknown): ReadonlySet<string> {
  if (!Array.isArray(hosts))
    throw invalid(TypeError, `inspector: hosts must be an array of host names, got ${show(hosts)}`);
  return new Set(
    hosts.map((each) => {
      const host = typeof each === "string" ? hostOf(each) : undefined;
      if (host === undefined)
        throw invalid(TypeError, `inspector: hosts must be host names or addresses, got ${show(each)}`);
      return host;
    }),
  );
}

function checkName(factory: string, options: InspectorNameOptions): string | undefined {
  checkOptions(factory, options, { name: true });
  const { name } = options;
  if (name !== undefined && (typeof name !== "string" || name === "" || name.length > 128)) {
    throw invalid(TypeError, `${factory}: name must be a string of 1 to 128 characters, got ${show(name)}`);
  }
  return name;
}
