import type { ConnectionOptions, NatsConnection } from "nats";
import { markFactories } from "../support/roles.ts";
import type { BackgroundClient } from "./background.ts";
import { connectWith } from "./connect.ts";
import type { DialedConnectOptions } from "./connect-options.ts";
import { nats2 } from "./nats-library-v2.ts";
import { nats2Checks } from "./option-checks.ts";

/** Everything that `nats` 2.x's `connect` takes, and how to dial. */
export interface ConnectOptions extends Omit<ConnectionOptions, keyof DialedConnectOptions>, DialedConnectOptions {
  /** Whether to resolve at once: see {@link BackgroundConnectOptions}. @defaultValue `false` */
  connectInBackground?: false | undefined;
}

/** Options of a connect that resolves at once, with a handle to a client that is still connecting. */
export interface BackgroundConnectOptions extends Omit<ConnectOptions, "connectInBackground"> {
  connectInBackground: true;
}

/** A client that connects while its owner goes on. */
export type BackgroundConnection = BackgroundClient<NatsConnection>;

const connectDialed = connectWith<NatsConnection>(nats2, nats2Checks);

/**
 * Connects to NATS as the older `nats` 2.x does, through a dialer of yours. INFO, the TLS upgrade
 * and the server's answer to CONNECT run as the dial's handshake, so that its timeouts, spans and
 * metrics cover them. A connect that is given up leaves no socket behind. Other connections of the
 * process are not affected.
 *
 * With `connectInBackground` it resolves at once; bad options reject in either case.
 *
 * Options and behaviour are those of `dialtrace/nats`, except where `nats` 2.x itself differs: its errors
 * are `NatsError`s, told apart by `code`; and it doesn't tell of subscriptions that fall behind.
 *
 * Servers may also come first, as text: `connect("nats://a:4222,nats://b:4222", { signal })`. An option that the
 * client of a newer version may know passes with one warning; a near miss of one that is known is refused.
 *
 * @throws TypeError or RangeError naming the option that can't be used.
 * @throws DialError when no server could be reached, {@link DialTimeoutError} past `connectDeadlineMs`.
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
