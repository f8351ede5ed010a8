// @ts-check
import { connect } from "node:net";
import { byHand } from "../by-hand.js";
import { inTurn } from "../loop.js";
import { accept } from "../peers.js";

/** The socket options of `tcp()`. */
const likeOurs = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 15_000 };

/**
 * Node's `net.connect`: bare, with the socket options of `tcp()`, or with the decorators written by hand.
 * @param {{ variant?: "options" | "by hand" }} settings
 */
export async function prepare({ variant }) {
  const { port } = await accept();
  const options = variant === undefined ? {} : likeOurs;
  const dial = () =>
    new Promise((resolve, reject) => {
      const socket = connect({ ...options, host: "127.0.0.1", port });
      socket.once("error", reject);
      socket.once("connect", () => resolve(socket));
    });
  const contender = variant === "by hand" ? byHand(`127.0.0.1:${port}`, dial) : dial;
  return (/** @type {number} */ n) => inTurn(n, contender);
}
