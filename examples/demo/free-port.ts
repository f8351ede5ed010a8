import { createServer } from "node:net";

/** Ports below the range of ephemeral ports, in blocks. The first port of a block is its claim. */
const ports = { first: 10_240, blocks: 110, perBlock: 200 };
let block: Promise<number> | undefined;
let used = 0;

/**
 * Returns a port of loopback without a listener, a different one each time. It lies below the range of ephemeral ports:
 * otherwise an outgoing connection could use it while its server is stopped, or even connect to itself. Other processes that
 * use this function do not get it either.
 */
export async function freePort(): Promise<number> {
  block ??= claimBlock();
  const first = await block;
  for (let tried = 1; tried < ports.perBlock; tried += 1) {
    const port = first + 1 + (used++ % (ports.perBlock - 1));
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${first + 1} to ${first + ports.perBlock - 1} is free`);
}

/** Claims a block until the process exits, by a listener on its first port. Returns this port. */
async function claimBlock(): Promise<number> {
  for (let index = process.pid; index < process.pid + ports.blocks; index += 1) {
    const port = ports.first + (index % ports.blocks) * ports.perBlock;
    const claim = createServer((socket) => socket.destroy());
    const claimed = await new Promise<boolean>((resolve) => {
      claim.once("error", () => resolve(false));
      claim.listen({ port, host: "127.0.0.1", exclusive: true }, () => resolve(true));
    });
    if (claimed) {
      claim.unref();
      return port;
    }
  }
  throw new Error(`no block of ports from ${ports.first} on is free, or listening is not permitted`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
