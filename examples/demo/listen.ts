import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { UsageError } from "./options.ts";

/**
 * Listens on `port` of loopback, or on any free port for 0, and returns the port.
 *
 * @throws UsageError if the port cannot be used.
 */
export async function listenOnLoopback(server: Server, port: number): Promise<number> {
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    throw new UsageError(`port ${port} cannot be used: ${(error as NodeJS.ErrnoException).code}`);
  }
  return (server.address() as AddressInfo).port;
}

/**
 * Returns `port` if it can be used.
 *
 * @throws UsageError if it cannot.
 */
export async function usablePort(port: number): Promise<number> {
  const probe = createServer();
  await listenOnLoopback(probe, port);
  probe.close();
  await once(probe, "close");
  return port;
}
