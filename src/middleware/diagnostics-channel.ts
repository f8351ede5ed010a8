import { type Channel, channel } from "node:diagnostics_channel";
import type { Middleware } from "../core/dialer.ts";
import {
  type DialEventInfo,
  type DialEventName,
  type DialStartInfo,
  type DialTrace,
  dialEventNames,
  type Observer,
} from "../core/trace.ts";
import { type EventMask, handledKey, maskFor } from "../engine/hook-chain.ts";
import { attach } from "../engine/observe.ts";
import { markFactories } from "../support/roles.ts";
import { checkOptions, invalid, show } from "../support/validate.ts";

export interface DiagnosticsChannelOptions {
  /** Name of the dialer, in every message. @defaultValue `"default"` */
  name?: string | undefined;
}

/**
 * What is published on the channel `dialtrace:` and the hook's name: what the hook is told, and whose
 * dial it is.
 */
export type DiagnosticsMessage<N extends DialEventName> = DialEventInfo<N> & {
  /** Name of the dialer. */
  readonly dialer: string;
  /** The dial: the same object in all that is published of one, and another for each. */
  readonly dial: DialStartInfo;
};

/** Held here: a channel without a reference may be collected, and its subscribers with it. */
const channels = Object.fromEntries(dialEventNames.map((name) => [name, channel(`dialtrace:${name}`)])) as Readonly<
  Record<DialEventName, Channel>
>;

/** Hooks that publish one dial. Its methods come from the table of events. */
class PublishedDial {
  readonly [handledKey]: EventMask;
  readonly dialer: string;
  readonly dial: DialStartInfo;

  constructor(handled: EventMask, dialer: string, dial: DialStartInfo) {
    this[handledKey] = handled;
    this.dialer = dialer;
    this.dial = dial;
  }

  static {
    for (const name of dialEventNames) {
      const { [name]: subscribed } = channels;
      Object.defineProperty(PublishedDial.prototype, name, {
        value(this: PublishedDial, info: object) {
          const { dialer, dial } = this;
          if (subscribed.hasSubscribers) subscribed.publish({ ...info, dialer, dial });
        },
      });
    }
  }
}

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
    const subscribed = dialEventNames.filter((event) => channels[event].hasSubscribers);
    if (subscribed.length === 0) return undefined;
    return new PublishedDial(maskFor(subscribed), dialer, dial) as DialTrace;
  };
  return attach(observe, { place: { factory: "withDiagnosticsChannel", name: dialer } });
}

markFactories({ withDiagnosticsChannel });
