// @ts-check
import { once } from "node:events";
import { connectThrough } from "../bridged.js";

const message = Buffer.alloc(64);

/** Sends messages one after the other, each after the answer to the last. @param {{ variant: string }} settings */
export async function prepare({ variant }) {
  const socket = await connectThrough(variant, (server) => server.pipe(server));
  return async (/** @type {number} */ n) => {
    for (let i = 0; i < n; i += 1) {
      socket.write(message);
      await once(socket, "data");
    }
  };
}
