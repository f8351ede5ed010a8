import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { type Peer, peer } from "./peers.ts";

/** Listens on loopback and calls `serve` with each HTTP request and a function that accepts it as a websocket. */
export function httpPeer(serve: (socket: Socket, acceptance: string, head: string) => void): Promise<Peer> {
  return peer((socket) => {
    let head = "";
    socket.on("data", (chunk) => {
      if (head.endsWith("\r\n\r\n")) return;
      head += chunk.toString("latin1");
      const [, key] = /^Sec-WebSocket-Key: (\S+)\r$/im.exec(head) ?? [];
      if (head.endsWith("\r\n\r\n")) serve(socket, acceptanceOf(key ?? ""), head);
    });
  });
}

function acceptanceOf(key: string): string {
  // RFC 6455, section 4.2.2.
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  return [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${accept}`,
    "\r\n",
  ].join("\r\n");
}

/** First byte of a close frame. */
export const closeFrame = 0x88;

/** An unmasked binary frame, as sent by servers. */
export function frame(payload: string): Buffer {
  const body = Buffer.from(payload);
  const short = body.length < 126;
  const head = Buffer.alloc(short ? 2 : 4);
  head[0] = 0x82;
  head[1] = short ? body.length : 126;
  if (!short) head.writeUInt16BE(body.length, 2);
  return Buffer.concat([head, body]);
}

/** The first line of a NATS server. */
export const infoLine = `INFO {"server_id":"own","version":"2.9.10","proto":1,"headers":true,"max_payload":1048576}\r\n`;
