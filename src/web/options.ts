import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ClientSocketOptions } from "../clients/options.ts";
import type { Dialer } from "../core/dialer.ts";
import { contextOf } from "../engine/context.ts";
import { clientDialOptionNames } from "../engine/dial-options.ts";
import { checkOptions, invalid, type OptionNames } from "../support/validate.ts";

/**
 * Options of every dial that an agent makes. Bound the dials with `withTimeout` in the dialer. `owner` is the agent,
 * unless it is given; `background` is `false`, because each dial is for a request that waits. `handshake` runs beneath TLS.
 * An aborted `signal` ends the dials, and not the connections.
 */
export type WebDialOptions<C extends Duplex = Socket> = ClientSocketOptions<C>;

/**
 * Checks the options of the dials of an agent.
 *
 * @param dialer - a composed dialer.
 * @throws TypeError or RangeError naming the option.
 */
export function checkWebDial<C extends Duplex>(factory: string, dialer: Dialer<C>, dial: WebDialOptions<C>): void {
  checkOptions(`${factory}: dial`, dial as object, clientDialOptionNames as OptionNames<object>);
  contextOf(dial, dialer, `${factory}: dial`);
}

/**
 * Throws for options that have no effect because the dialer decides in their place.
 *
 * @param instead - names of the options, each with what to do instead.
 * @throws TypeError naming the option.
 */
export function refuseOptions(factory: string, options: object, instead: Readonly<Record<string, string>>): void {
  for (const [name, what] of Object.entries(instead)) {
    const value = (options as Readonly<Record<string, unknown>>)[name];
    // `family: 0` and `localAddress: ""` are the same as none.
    if (value) throw invalid(TypeError, `${factory}: ${name} has no effect: ${what}`);
  }
}
