import { freePort } from "./listen.ts";
import { findNatsServer, natsProcess } from "./nats-process.ts";
import { smallNatsServer } from "./small-nats-server.ts";

/** A NATS server of the demo's own, on loopback. Down until it is started; disposing stops it. */
export interface NatsServer extends AsyncDisposable {
  /** What it is, for people. */
  readonly name: string;
  /** `127.0.0.1:port`, the same after every start. */
  readonly address: string;
  /** Resolves when clients can connect, with what is worth telling of it. */
  start(): Promise<string>;
  /** Takes it down, and every connection with it. */
  stop(): Promise<void>;
}

/** Prepares a real nats-server if there is one on the PATH, else a small one that lives in this process. */
export async function prepareNatsServer(options: {
  port: number | undefined;
  smallServer: boolean;
}): Promise<NatsServer> {
  const port = await freePort(options.port);
  if (options.smallServer) return smallNatsServer(port);
  const found = await findNatsServer();
  return found === undefined ? smallNatsServer(port) : natsProcess(found, port);
}
