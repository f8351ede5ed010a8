import type { Issued } from "./certificates.ts";
import { type NatsServer, natsServer } from "./nats-server.ts";
import { freePort } from "./peers.ts";
import { temporaryFile } from "./temporary.ts";

/** A real nats-server that also listens for websockets. */
export interface NatsWebsocketServer extends NatsServer {
  readonly wsPort: number;
}

/** Starts a nats-server that listens for websockets, with TLS if a certificate is given; `config` is added to its file. */
export async function startNatsWebsocket(issued?: Issued, config = ""): Promise<NatsWebsocketServer> {
  const wsPort = await freePort();
  const security =
    issued === undefined
      ? "no_tls: true"
      : `tls { cert_file: "${temporaryFile("cert.pem", issued.cert)}", key_file: "${temporaryFile("key.pem", issued.key)}" }`;
  const server = await natsServer(
    [],
    `websocket { host: "127.0.0.1", port: ${wsPort}, handshake_timeout: "30s", ${security} }\n${config}`,
  );
  await server.start();
  return Object.assign(server, { wsPort });
}
