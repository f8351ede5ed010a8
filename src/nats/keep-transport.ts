import type { NatsConnection } from "@nats-io/transport-node";
import { invalid, show } from "../support/validate.ts";
import { ensureTransportFactory } from "./nats-library.ts";
import { transportNode } from "./nats-library-v3.ts";
import { hasPinnedTransport, overrideMethods, pinTransport } from "./patch.ts";

interface Transport {
  readonly constructor: unknown;
}

interface Protocol {
  transport: Transport;
  dial(server: unknown): Promise<void>;
}

/**
 * Pins a connection of transport-node's `connect` or of `wsconnect` to the kind of transport that it has. Both functions
 * set one factory for the whole process, and every connection asks that factory for a transport at each reconnect.
 * Without `keepTransport`, a later call of the other function changes the transport of existing connections, and they
 * never reconnect.
 *
 * Call it as soon as the connection is made. It does nothing for connections that are pinned already, such as those of
 * this package's `connect`.
 *
 * @throws TypeError if `nc` is not such a connection.
 */
export function keepTransport(nc: NatsConnection): void {
  const protocol = (nc as unknown as { protocol?: Protocol } | undefined)?.protocol;
  if (typeof protocol?.dial !== "function") {
    throw invalid(TypeError, `keepTransport: nc must be a connection of transport-node or wsconnect, got ${show(nc)}`);
  }
  if (hasPinnedTransport(protocol)) return;
  let { transport } = protocol;
  const OwnTransport = transport.constructor as new () => Transport;
  const stock: Pick<Protocol, "dial"> = overrideMethods(protocol, {
    dial: (server: unknown) => {
      // The client calls the factory even so, and `wsconnect` with TLS options sets one that throws.
      ensureTransportFactory(transportNode);
      return stock.dial(server);
    },
  });
  pinTransport(
    protocol,
    () => transport,
    () => {
      transport = new OwnTransport();
    },
  );
}
