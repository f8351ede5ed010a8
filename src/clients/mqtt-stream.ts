import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ConnectionOptions } from "node:tls";
import type { Dialer } from "../core/dialer.ts";
import type { TargetLike } from "../core/target.ts";
import { markFactories } from "../support/roles.ts";
import { invalid, show } from "../support/validate.ts";
import { ClientDials } from "./client-dials.ts";
import { secured } from "./client-tls.ts";
import { awaitConnack, type MqttEvents } from "./mqtt-handshake.ts";
import { openEarly } from "./open-early.ts";
import type { ClientSocketOptions } from "./options.ts";

/** The client of mqtt, as it passes itself to its stream builder. */
export interface MqttClientLike extends MqttEvents {
  /** Its options: the server, and those of TLS. */
  readonly options: object;
}

interface MqttOptions extends Pick<ConnectionOptions, "ca" | "cert" | "key" | "rejectUnauthorized"> {
  readonly protocol?: string;
  readonly host?: string;
  readonly hostname?: string;
  readonly port?: number;
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
    const more = isSecure ? secured(rest, dials.options.handshake) : {};
    const socket = openEarly(dials, named, "mqtt", more, (handshake) => awaitConnack(client, handshake));
    // The client waits for its socket then, and does not end it.
    const abandon = () => void (socket.connecting && socket.destroy());
    client.on("end", abandon);
    socket.once("close", () => client.removeListener("end", abandon));
    return socket;
  };
  dials.owner = stream;
  return stream;
}

markFactories({ mqttStream });
