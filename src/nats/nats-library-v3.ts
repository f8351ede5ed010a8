import {
  DataBuffer,
  errors,
  NatsConnectionImpl,
  nkeyAuthenticator,
  ProtocolHandler,
  setTransportFactory,
} from "@nats-io/transport-node";
import { NodeTransport, nodeResolveHost } from "@nats-io/transport-node/lib/node_transport.js";
import type { NatsLibrary } from "./nats-library.ts";

/** `@nats-io/transport-node`, whose interface the adapter uses. */
export const transportNode: NatsLibrary = {
  Connection: NatsConnectionImpl as unknown as NatsLibrary["Connection"],
  ProtocolHandler,
  NodeTransport,
  DataBuffer,
  nkeyAuthenticator,
  closedError: () => new errors.ClosedConnectionError(),
  notConnectedError: (message) => new errors.ConnectionError(message),
  isOwnError: (error) => Object.values(errors).some((each) => error instanceof each),
  refusedError: (cause) => new errors.ConnectionError("connection refused", { cause }),
  timeoutError: (cause) => new errors.TimeoutError({ cause }),
  connectionError: (message, cause) => new errors.ConnectionError(message, { cause }),
  staleStatus: { type: "staleConnection" },
  setTransportFactory: () => setTransportFactory({ factory: () => new NodeTransport(), dnsResolveFn: nodeResolveHost }),
};
