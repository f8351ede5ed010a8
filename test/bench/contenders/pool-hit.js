// @ts-check
import { pool, tcp } from "../../../dist/index.js";
import { inTurn } from "../loop.js";
import { accept } from "../peers.js";

/** Gets a connection over loopback: dialed each time by `tcp()`, or leased from a pool. @param {{ variant: "dial" | "hit" }} settings */
export async function prepare({ variant }) {
  const { port } = await accept();
  const target = `127.0.0.1:${port}`;
  const dialer = tcp();
  if (variant === "dial") return (/** @type {number} */ n) => inTurn(n, () => dialer(target));
  const connections = pool({ dialer });
  return async (/** @type {number} */ n) => {
    for (let i = 0; i < n; i += 1) (await connections.acquire(target)).release();
  };
}
