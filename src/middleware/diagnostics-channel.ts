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
import { renamable } from "../engine/renamed.ts";
import { markFactories } from "../support/roles.ts";
import { checkOptions, invalid, show } from "../support/validate.ts";

/** Options of {@link withDiagnosticsChannel}. */
export interface DiagnosticsChannelOptions {
  /** Name of the dialer, included in every message. @defaultValue `"default"` */
  name?: string | undefined;
}

/**
 * A message on the channel `dialtrace:<hook>`: the fields of the hook's event, the dialer's name and the dial.
 */
export type DiagnosticsMessage<N extends DialEventName> = DialEventInfo<N> & {
  /** Name of the dialer. */
  readonly dialer: string;
  /** The dial: the same object in all messages of one dial. */
  readonly dial: DialStartInfo;
};

/** References to the channels: Node may collect a channel without references, together with its subscribers. */
const channels = Object.fromEntries(dialEventNames.map((name) => [name, channel(`dialtrace:${name}`)])) as Readonly<
  Record<DialEventName, Channel>
>;

/** Hooks that publish the events of one dial. The methods are derived from the table of events. */
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
 * Publishes every event beneath it on `node:diagnostics_channel`, for APM agents. Each hook of `DialTrace` has its own
 * channel, such as `dialtrace:dialStart`. Subscriptions are read when a dial starts; channels without subscribers have no
 * cost. A subscriber that throws does not affect the dial: Node reports an uncaught exception, as for every channel.
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
  const published = attach(observe, { place: { factory: "withDiagnosticsChannel", name: dialer } });
  return renamable(published, (name) => withDiagnosticsChannel({ name }));
}

markFactories({ withDiagnosticsChannel });
