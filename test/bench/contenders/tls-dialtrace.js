// @ts-check
import { once } from "node:events";
import { tcp, tls } from "../../../dist/index.js";
import { inTurn } from "../loop.js";
import { acceptTls } from "../tls-peer.js";

/** Dials with `tls()`. @param {{ variant: string }} settings */
export async function prepare({ variant }) {
  const { port, ca } = await acceptTls();
  const dial = tls({ ca, serverName: "bench.test", sessionCache: variant === "resumed" }, tcp());
  const target = `127.0.0.1:${port}`;
  if (variant === "resumed") {
    const first = await dial(target);
    await once(first, "session");
    first.destroy();
  }
  return (/** @type {number} */ n) => inTurn(n, () => dial(target));
}
