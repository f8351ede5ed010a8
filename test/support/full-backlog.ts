import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Worker } from "node:worker_threads";

/** A loopback port on which a connect hangs. */
export interface Hole extends AsyncDisposable {
  readonly port: number;
}

/**
 * Creates a black hole on loopback without privileges: a listener that never accepts and whose backlog is full.
 * Linux then drops further SYN packets; other systems may refuse them.
 */
export async function blackHole(host = "127.0.0.1"): Promise<Hole> {
  const worker = new Worker(
    `const { parentPort, workerData } = require("node:worker_threads");
     const server = require("node:net").createServer().listen({ port: 0, host: workerData, backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       // The event loop is blocked from here, so no connection is accepted.
       setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
     });`,
    { eval: true, workerData: host },
  );
  const [port] = (await once(worker, "message")) as [number];
  const fillers: Socket[] = [];
  // Two connections fill a backlog of one, because the kernel counts from zero; the others make sure of it.
  for (let count = 0; count < 4; count += 1) {
    const filler = connect({ host, port }).on("error", () => {});
    fillers.push(filler);
    await Promise.race([once(filler, "connect"), new Promise((resolve) => setTimeout(resolve, 100))]);
  }
  return {
    port,
    async [Symbol.asyncDispose]() {
      for (const filler of fillers) filler.destroy();
      await worker.terminate();
    },
  };
}
