import type { NetConnectOpts, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { handled } from "../support/handled.ts";
import type { ClientDials } from "./client-dials.ts";
import { secured } from "./client-tls.ts";
import { HandshakeDial } from "./handshake-dial.ts";
import type { RedisSettings } from "./ioredis-class.ts";
import { followRedis, redisProtocol } from "./ioredis-handshake.ts";

/** A socket of ioredis. */
export interface RedisSocket {
  readonly socket: Socket;
  /** Ends the dial successfully, because the client is ready. */
  ready(): void;
  /** Whether the client is not ready yet. */
  isPending(): boolean;
}

/**
 * Opens a connection for a client. If the client's ready check is off, nothing reports when the client is ready, and the
 * dial ends earlier.
 */
export function openRedis<C extends Duplex>(dials: ClientDials<C>, options: RedisSettings): RedisSocket {
  const { host, port, path, tls, enableReadyCheck } = options;
  const server = path ? { path } : { host: host ?? "localhost", port: port ?? 6379 };
  const more = tls ? secured<C>(tls, dials.options.handshake) : {};
  if (enableReadyCheck === false) {
    const socket = dials.open(server, more);
    return { socket, ready: () => {}, isPending: () => socket.connecting };
  }
  const dial = new HandshakeDial(dials, redisProtocol, more);
  const { socket } = dial;
  let setReady = () => {};
  let isPending = true;
  const connect = (ended: (error?: Error) => void) => {
    setReady = followRedis(socket, ended);
    socket.connect(server as NetConnectOpts);
  };
  handled(dial.connect(connect));
  const ready = () => {
    isPending = false;
    setReady();
  };
  return { socket, ready, isPending: () => isPending };
}
