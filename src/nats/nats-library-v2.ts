import {
  DataBuffer,
  DebugEvents,
  ErrorCode,
  NatsConnectionImpl,
  NatsError,
  nkeyAuthenticator,
  ProtocolHandler,
  setTransportFactory,
} from "nats/lib/nats-base-client/internal_mod.js";
import { NodeTransport, nodeResolveHost } from "nats/lib/src/node_transport.js";
import { isError } from "../support/is-error.ts";
import type { NatsLibrary } from "./nats-library.ts";

/** Members that are private in the types of `nats` 2.x and public in nats-core. */
interface Insides {
  _close(error?: Error): Promise<void>;
  readonly listeners: NatsLibrary["ProtocolHandler"]["prototype"]["listeners"];
}
const closeWith = (ProtocolHandler.prototype as unknown as Insides)._close;

/** The protocol handler of `nats` 2.x with the interface of nats-core's. */
class Handler extends (ProtocolHandler as unknown as NatsLibrary["ProtocolHandler"]) {
  constructor(...[options, nc]: ConstructorParameters<NatsLibrary["ProtocolHandler"]>) {
    super(options, nc);
    // The listeners of the connection, to which its own `connect` would copy each status.
    this.listeners = (nc as unknown as Insides).listeners;
  }

  /** `close` of `nats` 2.x takes no error; `_close` does. */
  override close(error?: Error): Promise<void> {
    return closeWith.call(this as unknown as Insides, error);
  }

  /** Called by `nats` 2.x itself to end the client for any cause. */
  _close(error?: Error): Promise<void> {
    return this.close(error);
  }
}

/** Sets the cause of an error under both names: `chainedError` in `nats` 2.x, and `cause`. */
function chained(error: NatsError, cause: unknown): NatsError {
  if (isError(cause)) error.chainedError = cause;
  if (cause !== undefined) error.cause = cause;
  return error;
}

/** The older `nats` 2.x behind the interface of nats-core. */
export const nats2: NatsLibrary = {
  Connection: NatsConnectionImpl as unknown as NatsLibrary["Connection"],
  ProtocolHandler: Handler,
  NodeTransport: NodeTransport as unknown as NatsLibrary["NodeTransport"],
  DataBuffer: DataBuffer as unknown as NatsLibrary["DataBuffer"],
  nkeyAuthenticator,
  closedError: () => NatsError.errorForCode(ErrorCode.ConnectionClosed),
  notConnectedError: (message) => new NatsError(message, ErrorCode.Disconnect),
  isOwnError: (error) => error instanceof NatsError,
  refusedError: (cause) => chained(NatsError.errorForCode(ErrorCode.ConnectionRefused), cause),
  timeoutError: (cause) => chained(NatsError.errorForCode(ErrorCode.Timeout), cause),
  // The code of every connection that ends before INFO.
  connectionError: (message, cause) => chained(new NatsError(message, ErrorCode.ConnectionRefused), cause),
  staleStatus: { type: DebugEvents.StaleConnection, data: "" } as unknown as NatsLibrary["staleStatus"],
  setTransportFactory: () => setTransportFactory({ factory: () => new NodeTransport(), dnsResolveFn: nodeResolveHost }),
};
