import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { CloseReason } from "../../src/core/event-values.ts";
import { type Middleware, withTrace } from "../../src/index.ts";

/** A socket that was connected, by the ports of its two ends. */
export interface LedgerSocket {
  readonly localPort: number;
  readonly remotePort: number;
  /** Whether its dial has handed it out as a connection. */
  readonly handedOut: boolean;
  /** One for each time that its close was told: exactly one, once a connection is closed. */
  readonly closes: readonly CloseReason[];
}

/** Writes down every socket that dials beneath it connect, in order, and what became of it. */
export function socketLedger() {
  const sockets: LedgerSocket[] = [];
  const bySocket = new WeakMap<Duplex, { handedOut: boolean; closes: CloseReason[] }>();
  const layer: Middleware = withTrace({
    connectDone({ socket }) {
      if (socket === undefined) return;
      const { localPort = 0, remotePort = 0 } = socket as Socket;
      const entry = { localPort, remotePort, handedOut: false, closes: [] };
      sockets.push(entry);
      bySocket.set(socket, entry);
    },
    attemptDone({ conn }) {
      const entry = conn && bySocket.get(conn);
      if (entry) entry.handedOut = true;
    },
    connClosed: ({ conn, reason }) => void bySocket.get(conn)?.closes.push(reason),
  });
  return { layer, sockets: sockets as readonly LedgerSocket[] };
}
