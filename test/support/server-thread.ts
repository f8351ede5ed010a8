import { once } from "node:events";
import { Worker } from "node:worker_threads";

/** A server on loopback in its own thread: it answers while the test's event loop is blocked. */
export interface ServerThread extends AsyncDisposable {
  readonly port: number;
  /** Resolves when it has received data. */
  readonly asked: Promise<unknown>;
}

/** Starts a server that answers the first bytes of each connection with `answer`, `afterMs` milliseconds later. */
export async function serverThread(settings: { answer: string; afterMs: number }): Promise<ServerThread> {
  const worker = new Worker(
    `const { parentPort, workerData: { answer, afterMs } } = require("node:worker_threads");
     const server = require("node:net").createServer((socket) => {
       socket.on("error", () => {});
       socket.once("data", () => {
         parentPort.postMessage("asked");
         setTimeout(() => socket.write(answer, "latin1"), afterMs);
       });
     });
     server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));`,
    { eval: true, workerData: settings },
  );
  const [port] = (await once(worker, "message")) as [number];
  return {
    port,
    asked: once(worker, "message"),
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}
