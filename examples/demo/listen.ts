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

const ports = { first: 10_240, count: 22_000 };
let nextPort = Math.floor(Math.random() * ports.count);

/**
 * A port that nothing listens on: the one that was asked for, or any below the range that systems take
 * the ports of outgoing connections from. One of those could hold it while its server is down.
 */
export async function freePort(wanted = 0): Promise<number> {
  if (wanted !== 0) return probed(wanted);
  for (;;) {
    const port = ports.first + nextPort;
    nextPort = (nextPort + 1) % ports.count;
    try {
      return await probed(port);
    } catch {
      // Taken. The next one, then.
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
