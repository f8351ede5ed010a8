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

/** Options of transport-node's `connect`. The library exports the type only since 3.1. */
export type NodeConnectionOptions = NonNullable<Parameters<typeof connect>[0]>;

/** nats-core's connection. Its exported type is not constructible. */
export type Connection = NatsConnectionImpl;

/**
 * A NATS client library: `@nats-io/transport-node` or the older `nats` 2.x. The implementations translate what the older
 * library does differently; `status.ts` translates its statuses.
 */
export interface NatsLibrary {
  readonly Connection: new (options: ConnectionOptions) => Connection;
  readonly ProtocolHandler: typeof ProtocolHandler;
  readonly NodeTransport: typeof NodeTransport;
  readonly DataBuffer: typeof DataBuffer;
  readonly nkeyAuthenticator: (seed: Uint8Array) => Authenticator;
  /** Error of a method that is called on a closed client. */
  closedError(): Error;
  /** Error of a method that needs a connection while there is none. */
  notConnectedError(message: string): Error;
  /** Whether an error is of one of the library's own classes. */
  isOwnError(error: unknown): boolean;
  /** Error of the library's own `connect` if nothing listens at the address. */
  refusedError(cause: unknown): Error;
  /** Error of the library's own `connect` if the server takes too long. */
  timeoutError(cause?: unknown): Error;
  /** Error of the library's own `connect` for other failures. */
  connectionError(message: string, cause: unknown): Error;
  /** Status of a connection that is given up because the server does not answer. */
  readonly staleStatus: Status;
  /** Sets the process-wide factory to the library's own transport. */
  setTransportFactory(): void;
}

/**
 * Sets the process-wide transport factory if there is none or it throws. The client calls that factory even if the
 * transport is pinned. A working factory is left alone, because other connections rely on it.
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
