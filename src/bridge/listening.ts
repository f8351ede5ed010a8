import type { Server } from "node:net";

/** Resolves when a server that was told to listen does so; rejects with its error otherwise. */
export function listening(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    const onListening = () => {
      server.removeListener("error", onError);
      resolve();
    };
    const onError = (error: Error) => {
      server.removeListener("listening", onListening);
      reject(error);
    };
    server.once("listening", onListening);
    server.once("error", onError);
  });
}
