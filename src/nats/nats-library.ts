import type {
  Authenticator,
  ConnectionOptions,
  connect,
  DataBuffer,
  NatsConnectionImpl,
  ProtocolHandler,
  Status,
} from "@nats-io/transport-node";
import type { NodeTransport } from "@nats-io/transport-node/lib/node_transport.js";

/** What transport-node's `connect` takes; its name for it came only with 3.1. */
export type NodeConnectionOptions = NonNullable<Parameters<typeof connect>[0]>;

/** nats-core's own connection, which it types as not constructible. */
export type Connection = NatsConnectionImpl;

/**
 * A line of the client, as the adapter needs it: `@nats-io/transport-node`, or the older `nats` 2.x.
 * What the older words otherwise is translated where this is implemented, and read in `status.ts`.
 */
export interface NatsLibrary {
  readonly Connection: new (options: ConnectionOptions) => Connection;
  readonly ProtocolHandler: typeof ProtocolHandler;
  readonly NodeTransport: typeof NodeTransport;
  readonly DataBuffer: typeof DataBuffer;
  readonly nkeyAuthenticator: (seed: Uint8Array) => Authenticator;
  /** What is thrown at whoever asks something of a client that is closed. */
  closedError(): Error;
  /** What is thrown at whoever asks something that needs a connection. */
  notConnectedError(message: string): Error;
  /** Whether an error is of the line's own classes. */
  isOwnError(error: unknown): boolean;
  /** What its own `connect` rejects with when nothing listens at the address. */
  refusedError(cause: unknown): Error;
  /** What its own `connect` rejects with when the server takes too long. */
  timeoutError(cause?: unknown): Error;
  /** What its own `connect` rejects with when there is no connection for another reason. */
  connectionError(message: string, cause: unknown): Error;
  /** What tells of a connection that is given up for lack of answers. */
  readonly staleStatus: Status;
  /** Has the line's own transport made for each connection of the process that has no other way. */
  setTransportFactory(): void;
}

/**
 * The client asks its global factory for a transport even where ours takes its place, and throws when
 * nobody has set one. Sets the client's own then, and only then: other connections rely on theirs.
 */
export function ensureTransportFactory({ Connection, ProtocolHandler, setTransportFactory }: NatsLibrary): void {
  const { options } = new Connection({ servers: ["127.0.0.1"], resolve: false });
  const probe = new ProtocolHandler(options, { publish() {} }) as unknown as { prepare(): unknown };
  try {
    probe.prepare();
  } catch {
    setTransportFactory();
  }
}
