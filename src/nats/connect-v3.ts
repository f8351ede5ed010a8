import type { NatsConnection } from "@nats-io/transport-node";
import { markFactories } from "../support/roles.ts";
import type { BackgroundClient } from "./background.ts";
import { connectWith } from "./connect.ts";
import type { DialedConnectOptions } from "./connect-options.ts";
import type { NodeConnectionOptions } from "./nats-library.ts";
import { transportNode } from "./nats-library-v3.ts";
import { transportNodeChecks } from "./option-checks.ts";

/** Everything that transport-node's `connect` takes, and how to dial. */
export interface ConnectOptions extends Omit<NodeConnectionOptions, keyof DialedConnectOptions>, DialedConnectOptions {
  /** Whether to resolve at once: see {@link BackgroundConnectOptions}. @defaultValue `false` */
  connectInBackground?: false | undefined;
}

/** Options of a connect that resolves at once, with a handle to a client that is still connecting. */
export interface BackgroundConnectOptions extends Omit<ConnectOptions, "connectInBackground"> {
  connectInBackground: true;
}

/** A client that connects while its owner goes on. */
export type BackgroundConnection = BackgroundClient<NatsConnection>;

const connectDialed = connectWith<NatsConnection>(transportNode, transportNodeChecks);

/**
 * Connects to NATS as `@nats-io/transport-node` does, through a dialer of yours. INFO, the TLS upgrade
 * and the server's answer to CONNECT run as the dial's handshake, so that its timeouts, spans and
 * metrics cover them. A connect that is given up leaves no socket behind. Other connections of the
 * process are not affected.
 *
 * With `connectInBackground` it resolves at once; bad options reject in either case.
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
