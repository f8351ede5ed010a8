import type { TLSSocket } from "node:tls";
import { checkDialHooks, checkObserver } from "../core/check-hooks.ts";
import type { Middleware } from "../core/dialer.ts";
import type { Target } from "../core/target.ts";
import type { DialTrace, Observer } from "../core/trace.ts";
import { attach } from "../engine/observe.ts";
import { markFactories, roleOf } from "../support/roles.ts";
import { checkFunction, checkOptions, invalid, isPlain, show } from "../support/validate.ts";
import { ProcessWatcher } from "./process-watcher.ts";
import { wrapSockets } from "./wraps.ts";

/** An observer of dials: a layer such as `withPrometheus()` or `inspector().observe()`, or what `withTrace` takes. */
export type ProcessObserver = Middleware | DialTrace | Observer;

/** Options of {@link observeProcess}. */
export interface ObserveProcessOptions {
  /** What observes the connections, from 1: the layers that observe dialers, hooks, or functions that return hooks. */
  observers: readonly ProcessObserver[];
  /**
   * Returns the name of a connection, 1 to 128 characters: the `dialer.name` of metrics, spans and channels, and the name
   * on the page. Called for each connection. The first 64 names are kept; further ones are `_OTHER`, as is anything
   * but a name. @defaultValue each observer's own name
   */
  name?: ((target: Target) => string) | undefined;
  /**
   * Names that `name` is known to return. They are shown from the start, with zeros: a rate then includes the first
   * connections of each. The limits are those of `name`. @defaultValue none: each name is shown from its first connection
   */
  knownNames?: readonly string[] | undefined;
  /**
   * Whether to leave out a connection. Called for each. Connections of OpenTelemetry's exporters are always left out where
   * they can be recognized. @defaultValue no connection is left out
   */
  ignore?: ((target: Target) => boolean) | undefined;
  /**
   * Values of the attributes that the observers declare with an array, by name, or a function that returns them for a
   * target. @defaultValue none: `_OTHER` for each
   */
  attributes?: ProcessAttributes | ((target: Target) => ProcessAttributes | undefined) | undefined;
}

/** Values of attributes by name. */
export type ProcessAttributes = Readonly<Record<string, string>>;

/** A running {@link observeProcess}. */
export interface ProcessObservation {
  /** Ends the observation of new connections. Connections that have started are reported until they are closed. */
  stop(): void;
}

/**
 * Observes every outgoing connection of the process as a dial, whichever client makes it: `net`, `tls`, `http`, global
 * `fetch`, and the drivers built on them. Each connection has one attempt, with its DNS lookup, each address tried, TLS,
 * and its close. Dials of this package whose dialers have observers are left to those. Sockets made before the call are
 * not observed.
 *
 * It wraps `Socket.prototype.connect` and the method that starts TLS, adds no event listener, and does nothing per chunk
 * of data. An observer that throws affects no connection.
 *
 * @throws TypeError if an option is invalid.
 * @example
 * const { stop } = observeProcess({ observers: [withPrometheus({ registry })], name: ({ port }) => `port-${port}` });
 */
export function observeProcess(options: ObserveProcessOptions): ProcessObservation {
  checkOptions("observeProcess", options, {
    observers: true,
    name: true,
    knownNames: true,
    ignore: true,
    attributes: true,
  });
  const { observers, name, knownNames = [], ignore, attributes } = options;
  if (name !== undefined) checkFunction("observeProcess: name", name);
  checkKnownNames(knownNames, name);
  if (ignore !== undefined) checkFunction("observeProcess: ignore", ignore);
  if (attributes !== undefined && typeof attributes !== "function" && !isPlain(attributes)) {
    const rule = "must be an object of strings or a function";
    throw invalid(TypeError, `observeProcess: attributes ${rule}, got ${show(attributes)}`);
  }
  const watcher = new ProcessWatcher({ observers: readObservers(observers), name, knownNames, ignore, attributes });
  const unwrap = wrapSockets({
    connecting: (socket, args) => watcher.connecting(socket, args),
    securing: (socket: TLSSocket) => watcher.securing(socket),
  });
  return { stop: unwrap };
}

markFactories({ observeProcess });

function checkKnownNames(knownNames: unknown, name: unknown): void {
  if (!Array.isArray(knownNames)) {
    throw invalid(TypeError, `observeProcess: knownNames must be an array, got ${show(knownNames)}`);
  }
  for (const [index, each] of knownNames.entries()) {
    if (typeof each === "string") continue;
    throw invalid(TypeError, `observeProcess: knownNames[${index}] must be a string, got ${show(each)}`);
  }
  if (knownNames.length > 0 && name === undefined) {
    throw invalid(TypeError, "observeProcess: knownNames needs the option name, which is undefined");
  }
}

function readObservers(observers: unknown): readonly Middleware[] {
  if (!Array.isArray(observers) || observers.length === 0) {
    const shown = Array.isArray(observers) ? "none" : show(observers);
    throw invalid(
      TypeError,
      `observeProcess: observers must be an array of at least one observer, such as withPrometheus(), got ${shown}`,
    );
  }
  return observers.map((each: unknown, index) => readObserver(each, `observeProcess: observers[${index}]`));
}

function readObserver(observer: unknown, option: string): Middleware {
  const role = roleOf(observer);
  if (role?.observes) return observer as Middleware;
  if (role !== undefined) {
    const fix = role.kind === "factory" ? `; call ${role.name}()` : "";
    throw invalid(TypeError, `${option} must be a layer that only observes, got ${show(observer)}${fix}`);
  }
  if (typeof observer === "function") checkObserver(option, observer as Observer, "dials");
  else checkDialHooks(option, observer, "an observer such as withPrometheus(), or an object of hooks");
  return attach(observer as DialTrace | Observer, { factory: "withTrace" });
}
