import type { NatsConnection } from "@nats-io/transport-node";
import { invalid, show } from "../support/validate.ts";
import { ensureTransportFactory } from "./nats-library.ts";
import { transportNode } from "./nats-library-v3.ts";

interface Transport {
  readonly constructor: unknown;
}

interface Protocol {
  transport: Transport;
  dial(server: unknown): Promise<void>;
}

/**
 * Keeps a connection of transport-node's `connect` or of `wsconnect` on the kind of transport that it has.
 * Both set one factory for the whole process, which every connection asks again at each reconnect: without
 * this, whoever connected first with the one never comes back once somebody has connected with the other.
 * Call it once, as soon as there is a connection. The `connect` of this package needs no help.
 *
 * @throws TypeError when it is given anything else.
 */
export function keepTransport(nc: NatsConnection): void {
  const protocol = (nc as unknown as { protocol?: Protocol } | undefined)?.protocol;
  if (typeof protocol?.dial !== "function") {
    throw invalid(TypeError, `keepTransport: nc must be a connection of transport-node or wsconnect, got ${show(nc)}`);
  }
  let { transport } = protocol;
  const OwnTransport = transport.constructor as new () => Transport;
  Object.defineProperty(protocol, "transport", {
    get: () => transport,
    set: () => {
      transport = new OwnTransport();
    },
    enumerable: true,
  });
  // As our own does: V8 turns an object whose property is redefined into a hash table, and back here.
  Object.create(protocol);
  const dial = protocol.dial.bind(protocol);
  protocol.dial = (server) => {
    // It is still asked, and `wsconnect` with TLS options leaves a factory that throws.
    ensureTransportFactory(transportNode);
    return dial(server);
  };
}
