import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { DialOptions } from "../core/dialer.ts";
import type { OptionNames } from "../support/validate.ts";

/**
 * Options of an adapter: those of the dials that the client makes through it. Bound the dials with `withTimeout` in the
 * dialer.
 *
 * `owner` is the adapter's result, unless it is given. `background` is `true` for a reconnect: a dial of a client that has
 * been connected and has no connection any more. Give `background: false` if the span of each dial is to be a child of the
 * caller's span.
 */
export type ClientSocketOptions<C extends Duplex = Socket> = Omit<DialOptions<C>, "timeoutMs">;

/** The names of {@link ClientSocketOptions}. */
export const optionNames: OptionNames<ClientSocketOptions> = {
  signal: true,
  trace: true,
  handshake: true,
  background: true,
  owner: true,
  attributes: true,
  clock: true,
  maxAttempts: true,
  backoff: true,
  backoffBeforeFirst: true,
  shouldRetry: true,
  skip: true,
};
