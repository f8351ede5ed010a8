// @ts-check
import { once } from "node:events";
import { connectThrough } from "../bridged.js";

const piece = Buffer.alloc(65_536);

/** Sends pieces and waits until the server has received them. @param {{ variant: string }} settings */
export async function prepare({ variant }) {
  let received = 0;
  let expected = 0;
  let done = () => {};
  const socket = await connectThrough(variant, (server) => {
    server.on("data", ({ length }) => {
      received += length;
      if (received === expected) done();
    });
  });
  return async (/** @type {number} */ n) => {
    expected = received + n * piece.length;
    const all = new Promise((resolve) => {
      done = () => resolve(undefined);
    });
    for (let i = 0; i < n; i += 1) if (!socket.write(piece)) await once(socket, "drain");
    await all;
  };
}
