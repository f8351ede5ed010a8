import type { Status } from "@nats-io/transport-node";
import { systemClock } from "../async/clock.ts";
import { ClientEvents } from "../client/client-events.ts";
import type { ClientState, ObservedClient } from "../client/client-trace.ts";
import { guarded } from "../support/user-call.ts";
import type { AnyConnection } from "./any-connection.ts";
import { Link } from "./connection-record.ts";
import { errorKind } from "./error-kind.ts";
import { identityOf } from "./info.ts";
import { bufferedBytes, clientName, isConnected, reconnects, serverCounts } from "./internals.ts";
import { readStatus } from "./status.ts";

/** They end when told to. */
type Statuses = ReturnType<AnyConnection["status"]> & { stop?(): void };

/**
 * The life of a connection that somebody else made, from what can be seen of it. It reads the status
 * iterator and looks; it changes nothing, and leaves nothing behind when stopped.
 */
export class ConnectionWatch {
  readonly events: ClientEvents;
  readonly #nc: AnyConnection;
  readonly #statuses: Statuses | undefined;
  /** The connection that stands, or the one that is being made. */
  #link = new Link();
  #up: boolean;
  #lostAt = systemClock.now();
  #attempts = 0;
  #stopped = false;

  constructor(nc: AnyConnection) {
    this.#nc = nc;
    this.#up = !nc.isClosed() && isConnected(nc);
    if (this.#up) this.#link.stand(nc);
    this.events = new ClientEvents(this.#observed(), nc.isClosed() ? "closed" : this.#state());
    if (nc.isClosed()) return;
    this.#statuses = nc.status();
    endWithClient(this.#statuses, nc);
    void this.#read(this.#statuses);
  }

  stop(): void {
    this.#stopped = true;
    this.#statuses?.stop?.();
  }

  #observed(): ObservedClient {
    const nc = this.#nc;
    return {
      name: clientName(nc),
      stats() {
        const { inMsgs, outMsgs, inBytes, outBytes } = nc.stats();
        const { configured, discovered } = serverCounts(nc);
        return {
          inMsgs,
          outMsgs,
          inBytes,
          outBytes,
          configuredServers: configured,
          discoveredServers: discovered,
          bufferedBytes: bufferedBytes(nc),
        };
      },
      refresh: () => this.#refresh(),
    };
  }

  async #read(statuses: Statuses): Promise<void> {
    try {
      for await (const status of statuses) {
        if (this.#stopped) return;
        guarded("the status of a NATS connection", () => this.#see(readStatus(status)));
      }
    } catch {
      return; // An iterator that fails tells nothing more; a refresh still looks.
    }
    if (this.#stopped) return;
    // The client ends the iterator when it begins to close, and goes on to close its socket.
    const error = await this.#nc.closed().catch((failure: unknown) => failure);
    this.#closed(error ?? undefined);
  }

  #see(status: Status): void {
    this.#noticeDrain();
    const { events } = this;
    const link = this.#link;
    switch (status.type) {
      case "disconnect":
        this.#lost();
        break;
      case "reconnecting":
        this.#dialing();
        break;
      case "reconnect":
        this.#reconnected();
        break;
      case "update":
        this.#serversChanged(status.added, status.deleted);
        break;
      case "ldm":
        if (link.lameDuck) break;
        link.announceLameDuck();
        events.emit("lameDuck", { server: link.server || this.#nc.getServer() });
        break;
      case "staleConnection":
        // The library ends a connection so for refused credentials too.
        if (link.refused) break;
        link.expect("stale");
        events.emit("stale", { server: link.server });
        break;
      case "forceReconnect":
        link.expect("forced");
        events.emit("forcedReconnect", { server: link.server });
        break;
      case "slowConsumer":
        events.emit("slowConsumer", { pending: status.pending });
        break;
      case "error":
        link.report(status.error);
        events.emit("error", { kind: errorKind(status.error), error: status.error });
        break;
    }
  }

  #lost(): void {
    // A dial that fails after INFO is told as a disconnect too.
    if (!this.#up) return;
    this.#up = false;
    this.#lostAt = systemClock.now();
    this.#attempts = 0;
    const lost = this.#link.lost();
    this.#link = new Link();
    if (reconnects(this.#nc)) this.events.enter(this.#state());
    this.events.emit("disconnect", lost);
  }

  #dialing(): void {
    if (this.#up) return;
    // What the server says from here on, before the connection counts as up, is said of this one.
    this.#link = new Link();
    this.#attempts += 1;
    this.events.emit("reconnectAttempt", { server: this.#nc.getServer(), attempt: this.#attempts });
  }

  #reconnected(): void {
    // Told once more for each dial that was told as a disconnect.
    if (this.#up) return;
    this.#up = true;
    this.#link.stand(this.#nc);
    this.events.enter(this.#state());
    this.events.emit("reconnect", {
      server: this.#link.server,
      identity: identityOf(this.#nc.info ?? {}),
      outageMs: systemClock.now() - this.#lostAt,
      attempts: Math.max(1, this.#attempts),
    });
  }

  /** Every INFO is told, most without a change; over websockets, the whole pool as gone and come again. */
  #serversChanged(added: readonly string[] = [], deleted: readonly string[] = []): void {
    const came = added.map(hostPort);
    const went = deleted.map(hostPort);
    const change = {
      added: came.filter((server) => !went.includes(server)),
      removed: went.filter((server) => !came.includes(server)),
    };
    if (change.added.length > 0 || change.removed.length > 0) this.events.emit("serversChange", change);
  }

  #state(): ClientState {
    if (this.#nc.isDraining()) return "draining";
    return this.#up ? "connected" : "reconnecting";
  }

  /** Nothing tells of a drain. */
  #noticeDrain(): void {
    if (this.#nc.isDraining()) this.events.enter("draining");
  }

  #refresh(): void {
    if (this.#stopped) return;
    if (!this.#nc.isClosed()) this.#noticeDrain();
    // Only its owner closes a client that is connected; its socket may take its time. Of any other the error is yet to come.
    else if (this.#up) this.#closed(undefined);
  }

  #closed(error: unknown): void {
    this.#noticeDrain();
    if (this.#up) {
      this.#up = false;
      const reason = this.#nc.isDraining() ? "drain" : "local";
      this.events.emit("disconnect", { server: this.#link.server, reason });
    }
    this.events.close(error);
  }
}

/** Those of `nats` 2.x would go on for ever. They are held weakly, for a listener of a promise can't be taken back. */
function endWithClient(statuses: Statuses, nc: AnyConnection): void {
  const held = new WeakRef(statuses);
  // They come by way of another iterator, so the last ones a little later.
  const end = () => setImmediate(() => held.deref()?.stop?.());
  nc.closed().then(end, end);
}

/** Websocket servers come as URLs. */
function hostPort(server: string): string {
  return server.replace(/^[a-z]+:\/\//i, "").replace(/\/.*$/, "");
}
