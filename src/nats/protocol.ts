import { type ConnectionOptions, ProtocolHandler, type Publisher, type Status } from "@nats-io/transport-node";
import { classify } from "../core/classify.ts";
import type { Dialer } from "../core/dialer.ts";
import { ClientClosedError } from "./closed-error.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { DialedTransport } from "./transport.ts";

/**
 * nats-core's protocol handler, pinned to transports that dial through `dialer`. Upstream asks one
 * factory, global to the process, for a transport at every connect, so a plain `connect()` elsewhere
 * would replace ours at the next reconnect; here whatever it assigns becomes one of ours.
 */
export class DialedProtocol extends ProtocolHandler {
  readonly #lifecycle: Lifecycle;

  constructor(options: ConnectionOptions, publisher: Publisher, dialer: Dialer, lifecycle: Lifecycle) {
    super(options, publisher);
    this.#lifecycle = lifecycle;
    const create = () => new DialedTransport(dialer, lifecycle);
    // There is one from the start, so that a close before the first dial finds something to close.
    let transport = create();
    // On the instance: upstream declares the field, which would shadow an accessor of the class.
    Object.defineProperty(this, "transport", {
      get: () => transport,
      set: () => {
        transport = create();
      },
      enumerable: true,
    });
    // V8 turns an object whose property is redefined into a hash table, and back when it becomes a
    // prototype. Every message passes through this one.
    Object.create(this);
    // Before anyone else can wait for it, so that whoever does finds the state changed.
    void this.closed.then(() => lifecycle.closed());
  }

  override async dial(server: Parameters<ProtocolHandler["dial"]>[0]): Promise<void> {
    await super.dial(server);
    this.#lifecycle.connected();
  }

  override dispatchStatus(status: Status): void {
    if (status.type === "forceReconnect") this.#lifecycle.expectDisconnect("forced");
    if (status.type === "staleConnection") this.#lifecycle.expectDisconnect("stale");
    if (status.type === "ldm") this.#lifecycle.expectDisconnect("lame_duck");
    if (status.type === "error" && classify(status.error) === "auth_expired") {
      this.#lifecycle.expectDisconnect("auth_expired", status.error);
    }
    super.dispatchStatus(status);
  }

  override async close(error?: Error): Promise<void> {
    const why = error ?? new ClientClosedError();
    this.#lifecycle.closing(why);
    (this.transport as DialedTransport).giveUp(why);
    await super.close(error);
  }
}
