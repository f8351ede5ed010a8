import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ConnectionOptions } from "node:tls";
import type { ClientDials } from "./client-dials.ts";
import { secured } from "./client-tls.ts";
import { RedisHandshake } from "./ioredis-handshake.ts";
import { openEarly } from "./open-early.ts";

/** The class `AbstractConnector` of ioredis. */
export type IoredisAbstractConnector = abstract new (
  disconnectTimeout: number,
) => {
  check(info: never): boolean;
  disconnect(): void;
};

/** The options of a `Redis` that its connector reads. */
export interface RedisOptions {
  readonly host?: string | null;
  readonly port?: number | null;
  readonly path?: string | null;
  readonly tls?: ConnectionOptions | null;
  readonly enableReadyCheck?: boolean;
  readonly disconnectTimeout?: number;
}

/** A socket of ioredis, with the client's handshake on it. */
export interface RedisSocket {
  readonly socket: Socket;
  readonly handshake: RedisHandshake;
}

/** Opens a connection for a client. Without its ready check, nothing tells when it is ready, and the dial ends before. */
export function openRedis<C extends Duplex>(dials: ClientDials<C>, options: RedisOptions): RedisSocket {
  const { host, port, path, tls, enableReadyCheck } = options;
  const named = path ? { path } : { host: host ?? "localhost", port: port ?? 6379 };
  const more = tls ? secured(tls, dials.options.handshake) : {};
  const handshake = new RedisHandshake();
  const socket: Socket =
    enableReadyCheck === false
      ? dials.open(named, more)
      : openEarly(dials, named, "redis", more, (steps) => handshake.begin(steps, socket));
  return { socket, handshake };
}
