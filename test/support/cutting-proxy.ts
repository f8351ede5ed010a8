import { connect, type Socket } from "node:net";
import { type Peer, peer } from "./peers.ts";

/** How a {@link CuttingProxy} ends a connection: with a reset, with FIN, or after it has forwarded only a part. */
export const cuts = ["reset", "end", "part", "freeze"] as const;
export type Cut = (typeof cuts)[number];

/** A proxy in front of a server whose connections the test cuts. */
export interface CuttingProxy extends Peer {
  /** Ends all connections of clients. `random` chooses the length of a part. */
  cut(how: Cut, random: () => number): void;
  /** Sets whether new connections are reset. */
  refuse(on: boolean): void;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Bytes of the client that are forwarded before both ends are reset. */
  left: number;
}

/** Node never closes a socket that is reset while it is being ended. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

/** Starts a proxy in front of `port`. */
export async function cuttingProxy(port: number): Promise<CuttingProxy> {
  const pairs = new Set<Pair>();
  let refusing = false;
  const proxy = await peer((client) => {
    if (refusing) {
      client.resetAndDestroy();
      return;
    }
    const server = connect(port, "127.0.0.1");
    const pair: Pair = { client, server, left: Number.POSITIVE_INFINITY };
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    server.on("error", () => {});
    client.on("data", (bytes) => {
      server.write(bytes.subarray(0, Math.min(bytes.length, pair.left)));
      pair.left -= bytes.length;
      if (pair.left <= 0) end();
    });
    server.on("data", (bytes) => client.write(bytes));
    client.on("close", end);
    server.on("close", end);
  });
  const cutOne = (pair: Pair, how: Cut, random: () => number) => {
    if (how === "reset") reset(pair.client);
    else if (how === "end") pair.client.end();
    else if (how === "part") pair.left = Math.floor(random() * 2_000);
    else {
      // What arrives from now on is never forwarded.
      pair.client.pause();
      setTimeout(reset, 5, pair.client);
    }
  };
  return Object.assign(proxy, {
    cut(how: Cut, random: () => number) {
      for (const pair of pairs) cutOne(pair, how, random);
    },
    refuse(on: boolean) {
      refusing = on;
    },
  });
}
