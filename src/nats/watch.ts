import type { Status } from "@nats-io/transport-node";
import { systemClock } from "../async/clock.ts";
import { ClientEvents } from "../client/client-events.ts";
import type { ClientState, ObservedClient } from "../client/client-trace.ts";
import { guarded } from "../support/user-call.ts";
import type { AnyConnection } from "./any-connection.ts";
import { ConnectionRecord } from "./connection-record.ts";
import { errorKind } from "./error-kind.ts";
import { identityOf } from "./info.ts";
import { bufferedBytes, clientName, isConnected, reconnects, serverCounts } from "./internals.ts";
import { readStatus } from "./status.ts";

/** A status iterator that can be stopped. */
type Statuses = ReturnType<AnyConnection["status"]> & { stop?(): void };

/**
 * Observes a connection made elsewhere. It reads the status iterator and the exposed state of the connection, changes
 * nothing, and leaves nothing behind when it is stopped.
 */
export class ConnectionWatch {
  readonly events: ClientEvents;
  readonly #nc: AnyConnection;
  readonly #statuses: Statuses | undefined;
  /** The current connection, or the one that is being dialed. */
  #record = new ConnectionRecord();
  #up: boolean;
  #lostAt = systemClock.now();
  #attempts = 0;
  #stopped = false;

  constructor(nc: AnyConnection) {
    this.#nc = nc;
    this.#up = !nc.isClosed() && isConnected(nc);
    if (this.#up) this.#record.established(nc);
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
        return { inMsgs, outMsgs, inBytes, outBytes, ...serverCounts(nc), bufferedBytes: bufferedBytes(nc) };
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
      return; // After a failure of the iterator, only refreshes observe the connection.
    }
    if (this.#stopped) return;
    // The client ends the iterator when it begins to close, before it closes its socket.
    const error = await this.#nc.closed().catch((failure: unknown) => failure);
    this.#closed(error ?? undefined);
  }

  #see(status: Status): void {
    this.#noticeDrain();
    const { events } = this;
    const record = this.#record;
    switch (status.type) {
      case "update":
        this.#serversChanged(status.added, status.deleted);
        break;
      case "ldm":
        if (record.lameDuck) break;
        record.announceLameDuck();
        events.emit("lameDuck", { server: record.server || this.#nc.getServer() });
        break;
      case "staleConnection":
        // The library also reports refused credentials as a stale connection.
        if (record.refused) break;
        record.expect("stale");
        events.emit("stale", { server: record.server });
        break;
      case "forceReconnect":
        record.expect("forced");
        events.emit("forcedReconnect", { server: record.server });
        break;
      case "slowConsumer":
        events.emit("slowConsumer", { pending: status.pending });
        break;
      case "error":
        record.report(status.error);
        events.emit("error", { kind: errorKind(status.error), error: status.error });
        break;
      default:
        this.#connectionChanged(status);
    }
  }

  #connectionChanged(status: Status): void {
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
    }
  }

  #lost(): void {
    // The library also reports a dial that fails after INFO as a disconnect.
    if (!this.#up) return;
    this.#up = false;
    this.#lostAt = systemClock.now();
    this.#attempts = 0;
    const lost = this.#record.lost();
    this.#record = new ConnectionRecord();
    if (reconnects(this.#nc)) this.events.enter(this.#state());
    this.events.emit("disconnect", lost);
  }

  #dialing(): void {
    if (this.#up) return;
    // Statuses from here on belong to the connection that is being dialed.
    this.#record = new ConnectionRecord();
    this.#attempts += 1;
    this.events.emit("reconnectAttempt", { server: this.#nc.getServer(), attempt: this.#attempts });
  }

  #reconnected(): void {
    // The library repeats it for each dial that it has reported as a disconnect.
    if (this.#up) return;
    this.#up = true;
    this.#record.established(this.#nc);
    this.events.enter(this.#state());
    this.events.emit("reconnect", {
      server: this.#record.server,
      identity: identityOf(this.#nc.info ?? {}),
      outageMs: systemClock.now() - this.#lostAt,
      attempts: Math.max(1, this.#attempts),
    });
  }

  /** Called for every INFO; most contain no change. Over websockets the library reports the whole pool as removed and added. */
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

  /** The library has no status for a drain. */
  #noticeDrain(): void {
    if (this.#nc.isDraining()) this.events.enter("draining");
  }

  #refresh(): void {
    if (this.#stopped) return;
    if (!this.#nc.isClosed()) this.#noticeDrain();
    // A connected client is closed only by the user, and without an error; its socket may close later. Otherwise the error is
    // not known yet.
    else if (this.#up) this.#closed(undefined);
  }

  #closed(error: unknown): void {
    this.#noticeDrain();
    if (this.#up) {
      this.#up = false;
      const reason = this.#nc.isDraining() ? "drain" : "local";
      this.events.emit("disconnect", { server: this.#record.server, reason });
    }
    this.events.close(error);
  }
}

/** Stops the iterator when the client closes: that of `nats` 2.x never ends. Held weakly, as promise listeners cannot be removed. */
function endWithClient(statuses: Statuses, nc: AnyConnection): void {
  const held = new WeakRef(statuses);
  // The last statuses pass through another iterator and arrive slightly later.
  const end = () => setImmediate(() => held.deref()?.stop?.());
  nc.closed().then(end, end);
}

/** Returns `host:port` of a server. Websocket servers are reported as URLs. */
function hostPort(server: string): string {
  return server.replace(/^[a-z]+:\/\//i, "").replace(/\/.*$/, "");
}
