import type { Socket } from "node:net";
import type { ServerInfo, Status } from "@nats-io/transport-node";
import type { Lifecycle } from "./lifecycle.ts";
import { addressesOf, type ServerChanges } from "./server-changes.ts";
import { readStatus } from "./status.ts";

/** What {@link StatusEvents} reads from the client when a status arrives. */
interface StatusSource {
  /** The current server as `host:port`. */
  readonly server: string;
  readonly info: ServerInfo | undefined;
  readonly socket: Socket | undefined;
  /** Whether the server has refused the client's credentials on this connection. */
  readonly isRefused: boolean;
}

/** Turns the client's status messages into events of its lifecycle. */
export class StatusEvents {
  readonly #lifecycle: Lifecycle;
  readonly #changes: ServerChanges;
  #lameDuck = false;

  constructor(lifecycle: Lifecycle, changes: ServerChanges) {
    this.#lifecycle = lifecycle;
    this.#changes = changes;
  }

  /** Forgets what the last server has announced. Called for each new connection. */
  connected(): void {
    this.#lameDuck = false;
  }

  /** Emits the event of a status, in either library's form. */
  emit(sent: Status, { server, info, socket, isRefused }: StatusSource): void {
    const lifecycle = this.#lifecycle;
    const { events } = lifecycle;
    const status = readStatus(sent);
    switch (status.type) {
      case "forceReconnect":
        lifecycle.expectDisconnect("forced");
        events.emit("forcedReconnect", { server });
        break;
      case "staleConnection":
        // The library also reports expired and revoked credentials as a stale connection.
        if (isRefused) break;
        lifecycle.expectDisconnect("stale");
        events.emit("stale", { server });
        break;
      case "ldm":
        // The library repeats it for every INFO that follows.
        if (this.#lameDuck) break;
        this.#lameDuck = true;
        lifecycle.expectDisconnect("lame_duck");
        events.emit("lameDuck", { server });
        break;
      case "update":
        this.#changes.changed(status.added ?? [], status.deleted ?? [], addressesOf(info, socket));
        break;
      case "slowConsumer":
        events.emit("slowConsumer", { pending: status.pending });
        break;
    }
  }
}
