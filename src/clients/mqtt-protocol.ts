import type { Reason } from "../core/reasons.ts";
import type { ClientProtocol } from "./handshake-dial.ts";

/** A packet of the server. */
export interface MqttPacket {
  /** Kind of the packet. */
  readonly cmd: string;
  /** The server's answer to a client of version 3. */
  readonly returnCode?: number | undefined;
  /** The server's answer to a client of version 5. */
  readonly reasonCode?: number | undefined;
}

/** The client of mqtt, as it passes itself to its stream builder. */
export interface MqttClientLike {
  /** Its options: the server, and those of TLS. */
  readonly options: object;
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

/** The protocol MQTT. An error has the code of the server's answer. */
export const mqttProtocol: ClientProtocol = {
  name: "mqtt",
  reasonOf: ({ code }: Error & { readonly code?: unknown }) => reasonOfCode[code as number] ?? "protocol",
};
