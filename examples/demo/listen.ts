import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { UsageError } from "./options.ts";

/**
 * Listens on loopback, and returns the port: the one that is asked for, or for 0 any that is free.
 *
 * @throws UsageError when that port can't be had.
 */
export async function listenOnLoopback(server: Server, port: number): Promise<number> {
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    throw new UsageError(`port ${port} can't be used: ${(error as NodeJS.ErrnoException).code}`);
  }
  return (server.address() as AddressInfo).port;
}

/** A port that nothing listens on: the one that was asked for, or any. */
export async function freePort(wanted = 0): Promise<number> {
  const probe = createServer();
  const port = await listenOnLoopback(probe, wanted);
  probe.close();
  await once(probe, "close");
  return port;
}
