import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { CloseReason } from "../../src/core/event-values.ts";
import { type Middleware, withTrace } from "../../src/index.ts";

/** A connected socket, identified by the ports of both ends. */
export interface LedgerSocket {
  readonly localPort: number;
  readonly remotePort: number;
  /** Whether the dial has returned it. */
  readonly handedOut: boolean;
  /** The connClosed events of the socket; exactly one after it is closed. */
  readonly closes: readonly CloseReason[];
}

/** Records every socket that dials beneath it connect, in order, with its end. */
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
