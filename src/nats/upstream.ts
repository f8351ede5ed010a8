import {
  type ConnectionOptions,
  type connect,
  NatsConnectionImpl,
  ProtocolHandler,
  parseOptions,
  setTransportFactory,
} from "@nats-io/transport-node";
import { NodeTransport, nodeResolveHost } from "@nats-io/transport-node/lib/node_transport.js";

/** What transport-node's `connect` takes; its name for it came only with 3.1. */
export type NodeConnectionOptions = NonNullable<Parameters<typeof connect>[0]>;

/** nats-core's own connection, which it types as not constructible. */
export type Connection = NatsConnectionImpl;

export function newConnection(options: ConnectionOptions): Connection {
  return new (NatsConnectionImpl as unknown as new (options: ConnectionOptions) => Connection)(options);
}

/**
 * nats-core asks its global factory for a transport even where ours takes its place, and throws when
 * nobody has set one. Sets transport-node's own then, and only then: other connections rely on theirs.
 */
export function ensureTransportFactory(): void {
  const options = parseOptions({ servers: ["127.0.0.1"], resolve: false });
  const probe = new ProtocolHandler(options, { publish() {} }) as unknown as { prepare(): unknown };
  try {
    probe.prepare();
  } catch {
    setTransportFactory({ factory: () => new NodeTransport(), dnsResolveFn: nodeResolveHost });
  }
}
