import type { ConnectionOptions, NatsConnection } from "nats";
import { markFactories } from "../support/roles.ts";
import type { BackgroundClient } from "./background.ts";
import { connectWith } from "./connect.ts";
import type { DialedConnectOptions } from "./connect-options.ts";
import { type ConnectDescription, describeWith } from "./describe.ts";
import { nats2 } from "./nats-library-v2.ts";
import { nats2Checks } from "./option-checks.ts";

/** Options of `nats` 2.x's `connect`, and how to dial. */
export interface ConnectOptions extends Omit<ConnectionOptions, keyof DialedConnectOptions>, DialedConnectOptions {
  /** `true` makes them {@link BackgroundConnectOptions}. @defaultValue `false` */
  connectInBackground?: false | undefined;
}

/** Options of a connect that resolves at once to a handle of a client that is still connecting. */
export interface BackgroundConnectOptions extends Omit<ConnectOptions, "connectInBackground"> {
  /** Resolves at once instead of after the first connect. */
  connectInBackground: true;
}

/** Handle of a client that connects in the background. */
export type BackgroundConnection = BackgroundClient<NatsConnection>;

const describeOptions = describeWith(nats2, nats2Checks);
const connectDialed = connectWith<NatsConnection>(nats2, nats2Checks);

/**
 * Connects to NATS as the older `nats` 2.x does, through your dialer. INFO, the TLS upgrade and the
 * server's answer to CONNECT are the dial's handshake, so timeouts, spans and metrics cover them. A connect that is given
 * up leaves no socket behind. Other connections of the process are not affected.
 *
 * With `connectInBackground` it resolves at once. Invalid options reject in either case.
 *
 * Options and behavior are those of `dialtrace/nats`, except where `nats` 2.x itself differs: its errors are `NatsError`s
 * with a `code`, and it does not report slow consumers.
 *
 * Servers may also come first, as text: `connect("nats://a:4222,nats://b:4222", { signal })`. An unknown option passes
 * with one warning, because a newer client may know it; a misspelled known option is rejected.
 *
 * @throws TypeError or RangeError naming the invalid option.
 * @throws DialError if no server can be reached, {@link DialTimeoutError} after `connectDeadlineMs`.
 * @example
 * const nc = await connect({ servers: "nats://a:4222,nats://b:4222", dialer, signal });
 */
export function connect(
  servers: string,
  options: Omit<BackgroundConnectOptions, "servers">,
): Promise<BackgroundConnection>;
export function connect(servers: string, options?: Omit<ConnectOptions, "servers">): Promise<NatsConnection>;
export function connect(options: BackgroundConnectOptions): Promise<BackgroundConnection>;
export function connect(options?: ConnectOptions): Promise<NatsConnection>;
export function connect(
  first?: string | ConnectOptions | BackgroundConnectOptions,
  second?: ConnectOptions | BackgroundConnectOptions,
): Promise<NatsConnection | BackgroundConnection> {
  return connectDialed(first, second);
}

markFactories({ connect });

/**
 * Describes what `connect` would do with the same arguments: the layers of its dialer beneath the client's own retries,
 * the most attempts and the longest time of the first connect and of the reconnects after a loss, and common mistakes.
 * Nothing is dialed, and no file is read.
 *
 * @throws TypeError or RangeError naming the invalid option, as `connect`.
 * @example
 * console.log(String(describe({ servers: ["a:4222", "b:4222"], dialer })));
 */
export function describe(
  servers: string,
  options?: Omit<ConnectOptions, "servers"> | Omit<BackgroundConnectOptions, "servers">,
): ConnectDescription;
export function describe(options?: ConnectOptions | BackgroundConnectOptions): ConnectDescription;
export function describe(
  first?: string | ConnectOptions | BackgroundConnectOptions,
  second?: ConnectOptions | BackgroundConnectOptions,
): ConnectDescription {
  return describeOptions(first, second);
}

markFactories({ describe });
