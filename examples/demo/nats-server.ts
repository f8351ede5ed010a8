import { freePort } from "./free-port.ts";
import { usablePort } from "./listen.ts";
import { findNatsServer, natsProcess } from "./nats-process.ts";
import { smallNatsServer } from "./small-nats-server.ts";

/** A NATS server on loopback. It is down until `start()`; disposing of it stops it. */
export interface NatsServer extends AsyncDisposable {
  /** Name and version, for the screen. */
  readonly name: string;
  /** `127.0.0.1:port`, the same after every start. */
  readonly address: string;
  /** Resolves when clients can connect, with a line for the screen. */
  start(): Promise<string>;
  /** Stops the server and closes every connection. */
  stop(): Promise<void>;
}

/** Prepares the nats-server on the PATH, or a small server in this process if there is none. */
export async function prepareNatsServer(options: {
  port: number | undefined;
  smallServer: boolean;
}): Promise<NatsServer> {
  const port = options.port === undefined ? await freePort() : await usablePort(options.port);
  if (options.smallServer) return smallNatsServer(port);
  const found = await findNatsServer();
  return found === undefined ? smallNatsServer(port) : natsProcess(found, port);
}
