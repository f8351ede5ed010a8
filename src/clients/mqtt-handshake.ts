import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { handled } from "../support/handled.ts";
import type { HandshakeDial } from "./handshake-dial.ts";
import type { MqttClientLike, MqttPacket } from "./mqtt-protocol.ts";

interface NetAddress {
  readonly host: string;
  readonly port: number;
}

/** Connects `client` to a server by `dial`, which ends with the server's answer. */
export function connectMqtt<C extends Duplex>(
  client: MqttClientLike,
  dial: HandshakeDial<C>,
  server: NetAddress,
): Socket {
  const { socket } = dial;
  const connect = (ended: (error?: Error) => void) => {
    const onPacket = (packet: MqttPacket) => {
      if (packet.cmd !== "connack") return;
      client.removeListener("packetreceive", onPacket as () => void);
      const code = packet.reasonCode ?? packet.returnCode ?? 0;
      if (code === 0) return ended();
      const error = Object.assign(new Error(`the server refused the client with code ${code}`), { code });
      // Later, when the client has closed the socket and emitted its own error: otherwise the error would be emitted twice.
      setImmediate(ended, error);
    };
    client.on("packetreceive", onPacket);
    socket.once("close", () => client.removeListener("packetreceive", onPacket as () => void));
    socket.connect(server);
  };
  handled(dial.connect(connect));
  // The client itself closes a socket that it has given up only after the connect.
  const onEnd = () => socket.destroy();
  client.on("end", onEnd);
  socket.once("close", () => client.removeListener("end", onEnd));
  return socket;
}
