import type { Reason } from "../core/reasons.ts";
import type { ClientHandshake } from "./early-connection.ts";

/** A packet of the server. */
export interface MqttPacket {
  /** Its kind. */
  readonly cmd: string;
  /** The server's answer to a client of version 3. */
  readonly returnCode?: number | undefined;
  /** The server's answer to a client of version 5. */
  readonly reasonCode?: number | undefined;
}

/** The events of a client of mqtt that its adapter listens to. */
export interface MqttEvents {
  /** Adds a listener for the packets of the server. */
  on(event: "packetreceive", listener: (packet: MqttPacket) => void): unknown;
  /** Adds a listener for the end of the client. */
  on(event: "end", listener: () => void): unknown;
  /** Removes a listener. */
  removeListener(event: "packetreceive" | "end", listener: () => void): unknown;
}

/**
 * Why a server refuses a client, by the code of its CONNACK.
 *
 * @see MQTT 3.1.1, section 3.2.2.3, and MQTT 5.0, section 3.2.2.2
 */
const reasonOfCode: Readonly<Record<number, Reason>> = {
  3: "server_limit",
  4: "auth_failed",
  5: "auth_failed",
  134: "auth_failed",
  135: "auth_failed",
  136: "server_limit",
  137: "server_limit",
  138: "auth_failed",
  140: "auth_failed",
  151: "server_limit",
  159: "server_limit",
};

/** Ends the handshake of `client` with the server's answer. Returns a function that stops waiting for it. */
export function awaitConnack(client: MqttEvents, handshake: ClientHandshake): () => void {
  const onPacket = (packet: MqttPacket) => {
    if (packet.cmd !== "connack") return;
    const code = packet.reasonCode ?? packet.returnCode ?? 0;
    if (code === 0) handshake.succeed();
    else handshake.fail(reasonOfCode[code] ?? "protocol", `the server refused the client with code ${code}`);
  };
  const onEnd = () => handshake.cancel();
  client.on("packetreceive", onPacket);
  client.on("end", onEnd);
  return () => {
    client.removeListener("packetreceive", onPacket as () => void);
    client.removeListener("end", onEnd);
  };
}
