import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Worker } from "node:worker_threads";

/** A port of loopback that neither accepts nor refuses: connecting to it hangs. */
export interface Hole extends AsyncDisposable {
  readonly port: number;
}

/**
 * Makes a black hole on loopback without any rights: a listener that never accepts, its backlog full.
 * Linux then drops whatever else comes; other systems may refuse.
 */
export async function blackHole(host = "127.0.0.1"): Promise<Hole> {
  const worker = new Worker(
    `const { parentPort, workerData } = require("node:worker_threads");
     const server = require("node:net").createServer().listen({ port: 0, host: workerData, backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       // Its event loop stands still from here on, so nothing is accepted.
       setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
     });`,
    { eval: true, workerData: host },
  );
  const [port] = (await once(worker, "message")) as [number];
  const fillers: Socket[] = [];
  // Two fill a backlog of one, for the kernel counts from nought; the others make sure of it.
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
