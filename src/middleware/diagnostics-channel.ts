import { type Channel, channel } from "node:diagnostics_channel";
import type { Middleware } from "../core/dialer.ts";
import { attach } from "../core/observe.ts";
import { markFactories } from "../core/roles.ts";
import { type DialStartInfo, type DialTrace, type Observer, travellingHooks } from "../core/trace.ts";
import { checkOptions, invalid, show } from "../core/validate.ts";

export interface DiagnosticsChannelOptions {
  /** Name of the dialer, in every message. @defaultValue `"default"` */
  name?: string | undefined;
}

type HookName = keyof DialTrace;

/**
 * What is published on the channel `dialtrace:` and the hook's name: what the hook is told, and whose
 * dial it is.
 */
export type DiagnosticsMessage<N extends keyof DialTrace> = Parameters<NonNullable<DialTrace[N]>>[0] & {
  /** Name of the dialer. */
  readonly dialer: string;
  /** The dial: the same object in all that is published of one, and another for each. */
  readonly dial: DialStartInfo;
};

const hookNames: readonly HookName[] = ["dialStart", "dialDone", ...travellingHooks];

/** Held here: a channel that nobody holds may be collected, and its subscribers with it. */
const channels: readonly (readonly [HookName, Channel])[] = hookNames.map((name) => [
  name,
  channel(`dialtrace:${name}`),
]);

/**
 * Publishes all that happens beneath it on `node:diagnostics_channel`, for APMs: each hook of `DialTrace`
 * on the channel of its name, such as `dialtrace:dialStart`. Whether a channel has subscribers is asked
 * when a dial starts; what has none costs nothing. A subscriber that throws harms no dial: Node makes it an
 * uncaught exception, as on every channel.
 *
 * @throws TypeError at construction, naming the option.
 * @example
 * subscribe("dialtrace:dialDone", ({ dialer, target, outcome, durationMs }) => { … });
 * @see https://nodejs.org/api/diagnostics_channel.html
 */
export function withDiagnosticsChannel(options: DiagnosticsChannelOptions = {}): Middleware {
  checkOptions("withDiagnosticsChannel", options, { name: true });
  const { name: dialer = "default" } = options;
  if (typeof dialer !== "string") {
    throw invalid(TypeError, `withDiagnosticsChannel: name must be a string, got ${show(dialer)}`);
  }
  const observe: Observer = (dial) => {
    let hooks: Partial<Record<HookName, (info: object) => void>> | undefined;
    for (const [name, subscribed] of channels) {
      if (!subscribed.hasSubscribers) continue;
      hooks ??= {};
      hooks[name] = (info) => subscribed.publish({ ...info, dialer, dial });
    }
    return hooks as DialTrace | undefined;
  };
  return attach(observe, { place: { factory: "withDiagnosticsChannel", name: dialer } });
}

markFactories({ withDiagnosticsChannel });
