import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Issued } from "./certificates.ts";
import { type NatsServer, natsServer } from "./nats-server.ts";
import { freePort } from "./peers.ts";

/** A real nats-server that also listens for websockets. */
export interface NatsWebsocketServer extends NatsServer {
  readonly wsPort: number;
}

/** Starts a nats-server that listens for websockets, with TLS where it is given a certificate; `config` is added to its file. */
export async function startNatsWebsocket(issued?: Issued, config = ""): Promise<NatsWebsocketServer> {
  const folder = mkdtempSync(join(tmpdir(), "dialtrace-ws-"));
  const wsPort = await freePort();
  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const security =
    issued === undefined
      ? "no_tls: true"
      : `tls { cert_file: "${file("cert.pem", issued.cert)}", key_file: "${file("key.pem", issued.key)}" }`;
  const server = await natsServer([], `websocket { host: "127.0.0.1", port: ${wsPort}, ${security} }\n${config}`);
  await server.start();
  const dispose = server[Symbol.asyncDispose];
  return Object.assign(server, {
    wsPort,
    [Symbol.asyncDispose]: async () => {
      await dispose();
      rmSync(folder, { recursive: true, force: true });
    },
  });
}
