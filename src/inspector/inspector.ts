import type { ClientObserver } from "../client/client-trace.ts";
import type { Middleware } from "../core/dialer.ts";
import { attach } from "../engine/observe.ts";
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
import { Watch } from "./watch.ts";

export interface InspectorOptions {
  /** Dials remembered that have succeeded or were canceled, 0 to 10,000. @defaultValue 200 */
  recentDials?: number | undefined;
  /** Dials remembered that have failed, 0 to 10,000. @defaultValue 100 */
  recentFailures?: number | undefined;
  /** Hosts besides loopback's that the page may be asked for by, as browsers name them. @defaultValue none */
  hosts?: readonly string[] | undefined;
  /** How many may watch at once, 0 to 100; to the others the page shows what there is every 5 s. @defaultValue 8 */
  maxViewers?: number | undefined;
  /** How often those who watch are told what has changed. @defaultValue 1000 */
  updateMs?: number | undefined;
}

export interface InspectorNameOptions {
  /** What it is called on the page. @defaultValue `"default"`; a client's own name */
  name?: string | undefined;
}

/** A live page of a process' dials and connections. Several dialers and clients may share one. */
export interface Inspector {
  /** Makes the layer that watches everything beneath it. */
  observe(options?: InspectorNameOptions): Middleware;
  /** Makes an observer of clients that keep themselves connected, for `connect` of `dialtrace/nats`. */
  client(options?: InspectorNameOptions): ClientObserver;
  /** What the page shows, as `/json` has it. */
  snapshot(): InspectorSnapshot;
  /** A handler for `http.createServer`, Express and the like, to be mounted under any path. */
  handler(): RequestHandler;
  /** Serves the page, on loopback unless told otherwise. */
  listen(options?: InspectorListenOptions): Promise<InspectorServer>;
}

/**
 * Keeps what is needed to show, on a page of its own, the connections that are open and the last dials
 * as waterfalls. Bounded in memory; sockets are asked what they carry only when somebody looks.
 *
 * @throws RangeError or TypeError at construction, naming the option.
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
  });
  const { recentDials = 200, recentFailures = 100, hosts = [], maxViewers = 8, updateMs = 1000 } = options;
  checkWithin("inspector: recentDials", recentDials, 10_000);
  checkWithin("inspector: recentFailures", recentFailures, 10_000);
  checkWithin("inspector: maxViewers", maxViewers, 100);
  checkDuration("inspector: updateMs", updateMs, 50);
  const allowed = checkHosts(hosts);
  const watch = new Watch(recentDials, recentFailures);
  const live = new LiveUpdates(watch, maxViewers, updateMs);

  return {
    observe(named = {}) {
      const name = checkName("inspector.observe", named) ?? "default";
      return attach(watch.dials(name), { place: { factory: "inspector.observe", name, into: watch } });
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
  if (!Array.isArray(hosts)) throw invalid(TypeError, `inspector: hosts must be an array of hosts, got ${show(hosts)}`);
  return new Set(
    hosts.map((each) => {
      const host = typeof each === "string" ? hostOf(each) : undefined;
      if (host === undefined)
        throw invalid(TypeError, `inspector: hosts must be names or addresses, got ${show(each)}`);
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
