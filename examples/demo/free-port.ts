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
  for (;;) {
    const port = first + 1 + (used++ % (ports.perBlock - 1));
    if (await isFree(port)) return port;
  }
}

/** Claims a block until the process exits, by a listener on its first port. Returns this port. */
async function claimBlock(): Promise<number> {
  for (let index = process.pid; ; index += 1) {
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
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
