import type { Socket } from "node:net";
import { type Peer, peer } from "./peers.ts";

/** The INFO line of a {@link natsPeer}; `more` are additional fields. */
export const infoLine = (more: object = {}) =>
  `INFO ${JSON.stringify({ server_id: "PEER", server_name: "peer", version: "2.9.10", max_payload: 1048576, ...more })}\r\n`;

/**
 * A minimal NATS server: it sends INFO and answers every PING with PONG, unless
 * `welcome`, given the connection and its number from 1, answers the first PING itself.
 */
export function natsPeer(
  welcome: (socket: Socket, nth: number) => void = (socket) => socket.write("PONG\r\n"),
): Promise<Peer> {
  let connections = 0;
  return peer((socket) => {
    connections += 1;
    const nth = connections;
    let welcomed = false;
    socket.write(infoLine());
    socket.on("data", (bytes) => {
      for (const _ of bytes.toString().matchAll(/^PING\r$/gm)) {
        if (welcomed) socket.write("PONG\r\n");
        else welcome(socket, nth);
        welcomed = true;
      }
    });
  });
}
