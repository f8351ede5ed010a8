import type { Socket } from "node:net";
import { infoLine } from "./nats-peer.ts";
import { type Peer, peer } from "./peers.ts";

/** A server that records the CONNECT of each client. */
export interface RecordingPeer extends Peer {
  /** The credentials of each CONNECT so far, in order. */
  readonly credentials: Record<string, unknown>[];
  /** Closes the open connections, like a server that shuts down; new ones are accepted. */
  hangUp(): void;
  /** Keeps the open connections but does not answer their PINGs. */
  mute(): void;
  /** Sends data to each open connection. */
  say(line: string): void;
}

const credentialFields = ["user", "pass", "auth_token", "jwt", "nkey"];

/** @param answer - answers the first PING of a connection; defaults to a PONG. */
export async function recordingPeer(
  info: () => object = () => ({}),
  answer: (socket: Socket) => void = (socket) => socket.write("PONG\r\n"),
): Promise<RecordingPeer> {
  const credentials: Record<string, unknown>[] = [];
  const muted = new WeakSet<Socket>();
  const server = await peer((socket) => {
    let welcomed = false;
    socket.write(infoLine({ nonce: "nonce", ...info() }));
    socket.on("data", (bytes) => {
      const text = bytes.toString();
      const connect = /^CONNECT (.*)\r$/m.exec(text)?.[1];
      if (connect !== undefined) {
        const sent = Object.entries(JSON.parse(connect)).filter(([field]) => credentialFields.includes(field));
        credentials.push(Object.fromEntries(sent));
      }
      for (const _ of text.matchAll(/^PING\r$/gm)) {
        if (muted.has(socket)) break;
        if (welcomed) socket.write("PONG\r\n");
        else answer(socket);
        welcomed = true;
      }
    });
  });
  return Object.assign(Object.create(server) as Peer, {
    credentials,
    hangUp: () => {
      for (const socket of server.open) socket.end();
    },
    mute: () => {
      for (const socket of server.open) muted.add(socket);
    },
    say: (line: string) => {
      for (const socket of server.open) socket.write(line);
    },
  });
}
