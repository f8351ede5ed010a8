import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ConnectionOptions } from "node:tls";
import type { Dialer } from "../core/dialer.ts";
import type { TargetLike } from "../core/target.ts";
import { markFactories } from "../support/roles.ts";
import { invalid, show } from "../support/validate.ts";
import { ClientDials } from "./client-dials.ts";
import { secured } from "./client-tls.ts";
import { HandshakeDial } from "./handshake-dial.ts";
import { connectMqtt } from "./mqtt-handshake.ts";
import { type MqttClientLike, mqttProtocol } from "./mqtt-protocol.ts";
import type { ClientSocketOptions } from "./options.ts";

interface MqttOptions extends ConnectionOptions {
  readonly protocol?: string;
  readonly hostname?: string;
}

/** Whether each protocol of the client has TLS. */
const protocols: Readonly<Record<string, boolean>> = { mqtt: false, tcp: false, mqtts: true, ssl: true, tls: true };

/**
 * Returns the stream builder of an `MqttClient`: its connections are made by `dialer`. A dial lasts until the server
 * accepts the client, and fails with `auth_failed` or `server_limit` if it refuses it. With the protocol `mqtts`, TLS is
 * a part of the dial, with the client's own options. `end()` and `connectTimeout` cancel the dial.
 *
 * @param target - what to dial. @defaultValue the host and port of the client
 * @throws TypeError or RangeError naming the option.
 * @example
 * const client = new MqttClient(mqttStream(dial), { host: "broker.internal" });
 */
export function mqttStream<C extends Duplex = Socket>(
  dialer: Dialer<C>,
  target?: TargetLike,
  options?: ClientSocketOptions<C>,
): (client: MqttClientLike) => Socket {
  const dials = new ClientDials("mqttStream", dialer, target, options);
  const stream = (client: MqttClientLike) => {
    const { protocol = "mqtt", hostname, host, port, ...rest } = client.options as MqttOptions;
    const isSecure = Object.hasOwn(protocols, protocol) ? protocols[protocol] : undefined;
    if (isSecure === undefined) {
      const rule = `protocol must be one of ${Object.keys(protocols).join(", ")}`;
      throw invalid(RangeError, `mqttStream: ${rule}, got ${show(protocol)}`);
    }
    const named = { host: hostname || host || "localhost", port: port || (isSecure ? 8883 : 1883) };
    return connectMqtt(
      client,
      new HandshakeDial(dials, mqttProtocol, isSecure ? secured(rest, dials.options.handshake) : {}),
      named,
    );
  };
  dials.owner = stream;
  return stream;
}

markFactories({ mqttStream });
