// @ts-check
import { connect } from "node:net";
import { tcp } from "../../../dist/index.js";
import { atOnce } from "../loop.js";
import { accept } from "../peers.js";

/** Makes 2,000 concurrent dials with `net.connect` or `tcp()`. @param {{ variant: "bare" | "tcp" }} settings */
export async function prepare({ variant }) {
  const { port, idle } = await accept();
  const dialer = tcp();
  const bare = () =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port });
      socket.once("error", reject);
      socket.once("connect", () => resolve(socket));
    });
  const ours = () => dialer(`127.0.0.1:${port}`);
  return (/** @type {number} */ n) => atOnce(n, 2_000, variant === "bare" ? bare : ours, idle);
}
