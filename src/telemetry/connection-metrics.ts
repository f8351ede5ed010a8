import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { closeReasons } from "../core/event-values.ts";
import type { Target } from "../core/target.ts";
import type { DialTrace } from "../core/trace.ts";
import { type Add, byValue, lazily, type Sink } from "./sink.ts";
import type { Timestamps } from "./timestamps.ts";

/** Counts open connections by state, closed connections by reason, lifetimes and bytes. */
export function connectionMetrics(sink: Sink, certificates: Timestamps) {
  const establishedTotal = sink.series("connectionEstablished", {});
  const used = sink.series("connectionCount", { "dialer.connection.state": "used" });
  // Only pools keep connections that are idle.
  const idle = lazily(() => sink.series("connectionCount", { "dialer.connection.state": "idle" }));
  const lifetime = sink.series("connectionDuration", {});
  const closed = byValue(closeReasons, (reason) => sink.series("connectionClosed", { "dialer.close.reason": reason }));
  const bytes = new OpenConnections(sink);
  const idleConns = new WeakSet<Duplex>();

  const hooks = {
    gotConn({ conn }) {
      if (!idleConns.delete(conn)) return;
      idle()(-1);
      used(1);
    },
    putIdleConn({ conn }) {
      if (idleConns.has(conn)) return;
      idleConns.add(conn);
      used(-1);
      idle()(1);
    },
    connClosed({ target, conn, reason, durationMs }) {
      certificates.closed(target);
      if (idleConns.delete(conn)) idle()(-1);
      else used(-1);
      closed(reason)(1);
      lifetime(durationMs / 1000);
      bytes.closed(conn);
    },
  } satisfies DialTrace;

  const established = (conn: Duplex, target: Target) => {
    certificates.opened(target);
    establishedTotal(1);
    used(1);
    bytes.opened(conn);
  };
  return { hooks, established };
}

/** Bytes of one connection that the counters already include. */
interface Counted {
  read: number;
  written: number;
}

/** Reads the sockets' own byte counters on demand, so that no work is done per chunk of data. */
class OpenConnections {
  readonly #received: Add;
  readonly #transmitted: Add;
  readonly #open = new Map<Duplex, Counted>();

  constructor(sink: Sink) {
    this.#received = sink.series("connectionIo", { "network.io.direction": "receive" });
    this.#transmitted = sink.series("connectionIo", { "network.io.direction": "transmit" });
    sink.beforeScrape(["connectionIo"], () => this.#readAll());
  }

  opened(conn: Duplex): void {
    this.#open.set(conn, { read: 0, written: 0 });
  }

  closed(conn: Duplex): void {
    const counted = this.#open.get(conn);
    if (counted !== undefined) this.#read(conn, counted);
    this.#open.delete(conn);
  }

  #readAll(): void {
    for (const [conn, counted] of this.#open) this.#read(conn, counted);
  }

  #read(conn: Duplex, counted: Counted): void {
    const { bytesRead = 0, bytesWritten = 0 } = conn as Socket;
    this.#received(Math.max(0, bytesRead - counted.read));
    this.#transmitted(Math.max(0, bytesWritten - counted.written));
    counted.read = bytesRead;
    counted.written = bytesWritten;
  }
}
