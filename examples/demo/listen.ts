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

const ports = { first: 10_240, count: 22_000 };
let nextPort = Math.floor(Math.random() * ports.count);

/**
 * Returns a port that nothing listens on: `wanted`, or any below the ephemeral range. An outgoing connection could
 * take an ephemeral port while its server is down.
 */
export async function freePort(wanted = 0): Promise<number> {
  if (wanted !== 0) return probed(wanted);
  for (;;) {
    const port = ports.first + nextPort;
    nextPort = (nextPort + 1) % ports.count;
    try {
      return await probed(port);
    } catch {
      // In use: try the next one.
    }
  }
}

async function probed(port: number): Promise<number> {
  const probe = createServer();
  await listenOnLoopback(probe, port);
  probe.close();
  await once(probe, "close");
  return port;
}
