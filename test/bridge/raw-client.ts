import { once } from "node:events";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import type { BridgeServer } from "../../src/bridge.ts";

/** A client of a bridge that speaks no protocol. */
export interface RawClient {
  readonly socket: Socket;
  /** Everything received so far, as latin1. */
  readonly received: string;
  /** Whether the other side has ended its data. */
  readonly ended: boolean;
  /** Resolves with the code of the socket's error, or `undefined` if it closed without one. */
  readonly closed: Promise<string | undefined>;
  /** Resolves when everything received so far passes `accept`; rejects if the connection ends before. */
  receives(accept: (received: string) => boolean): Promise<string>;
}

/** Options that connect to a server, over TCP or its unix socket. */
export function whereOf({ path, host, port }: BridgeServer): NetConnectOpts {
  return path === undefined ? { host, port } : { path };
}

/** Connects to a server. Both sides may end independently. */
export async function rawClient(server: BridgeServer): Promise<RawClient> {
  const socket = connect({ ...whereOf(server), allowHalfOpen: true });
  let received = "";
  let ended = false;
  let failure: NodeJS.ErrnoException | undefined;
  socket.on("error", (error) => {
    failure = error;
  });
  const closed = new Promise<string | undefined>((resolve) => socket.once("close", () => resolve(failure?.code)));
  socket.setEncoding("latin1").on("data", (text: string) => {
    received += text;
  });
  socket.on("end", () => {
    ended = true;
  });
  await once(socket, "connect").catch(() => {});
  // A bridge may reset the connection before its client has seen that it exists.
  if (failure !== undefined && failure.code !== "ECONNRESET") throw failure;
  return {
    socket,
    closed,
    get received() {
      return received;
    },
    get ended() {
      return ended;
    },
    async receives(accept) {
      while (!accept(received)) {
        if (socket.closed) throw new Error(`closed after ${JSON.stringify(received)}`);
        await Promise.race([once(socket, "data").catch(() => {}), once(socket, "close").catch(() => {})]);
      }
      return received;
    },
  };
}
