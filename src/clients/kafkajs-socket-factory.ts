import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ConnectionOptions } from "node:tls";
import type { Dialer } from "../core/dialer.ts";
import type { TargetLike } from "../core/target.ts";
import { markFactories } from "../support/roles.ts";
import { ClientDials } from "./client-dials.ts";
import { secured } from "./client-tls.ts";
import { givingUpBy } from "./give-up.ts";
import type { ClientSocketOptions } from "./options.ts";

/** The broker that kafkajs connects to. */
export interface KafkajsBroker {
  /** Host name or address. */
  readonly host: string;
  /** Port. */
  readonly port: number;
  /** Options for TLS; without it, the connection has none. @defaultValue none */
  readonly ssl?: ConnectionOptions | boolean | null | undefined;
  /** Called when the socket has connected. */
  readonly onConnect: () => void;
}

/** Milliseconds until a silent connection is probed, as in kafkajs. */
const keepAliveMs = 60_000;

/**
 * Returns the option `socketFactory` of kafkajs: the connections to all brokers are made by `dialer`. With the option
 * `ssl`, TLS is a part of the dial. `connectionTimeout` and `disconnect()` cancel the dial.
 *
 * @param target - what to dial for every broker, such as a proxy's end. @defaultValue the broker that the client names
 * @throws TypeError or RangeError naming the option.
 * @example
 * const kafka = new Kafka({ brokers: ["kafka.internal:9092"], socketFactory: kafkajsSocketFactory(dial) });
 */
export function kafkajsSocketFactory<C extends Duplex = Socket>(
  dialer: Dialer<C>,
  target?: TargetLike,
  options?: ClientSocketOptions<C>,
): (broker: KafkajsBroker) => Socket {
  const dials = new ClientDials("kafkajsSocketFactory", dialer, target, options);
  const socketFactory = ({ host, port, ssl, onConnect }: KafkajsBroker) => {
    const more = ssl ? secured(ssl === true ? {} : ssl, dials.options.handshake) : {};
    const socket = givingUpBy("end", dials.open({ host, port }, more));
    socket.once("connect", onConnect);
    return socket.setKeepAlive(true, keepAliveMs);
  };
  dials.owner = socketFactory;
  return socketFactory;
}

markFactories({ kafkajsSocketFactory });
