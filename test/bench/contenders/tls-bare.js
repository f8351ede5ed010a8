// @ts-check
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { connect, createSecureContext } from "node:tls";
import { inTurn } from "../loop.js";
import { acceptTls } from "../tls-peer.js";

/** Dials with `tls.connect`, with one secure context for all connections. @param {{ variant: string }} settings */
export async function prepare({ variant }) {
  const { port, ca } = await acceptTls();
  const secureContext = createSecureContext({ ca });
  /** @type {Buffer | undefined} */
  let session;
  const dial = () =>
    new Promise((resolve, reject) => {
      const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 15_000 };
      const socket = connectTcp({ ...options, host: "127.0.0.1", port });
      socket.once("error", reject);
      socket.once("connect", () => {
        const conn = connect({ socket, servername: "bench.test", secureContext, ...(session && { session }) });
        conn.once("error", reject);
        conn.once("secureConnect", () => resolve(conn));
      });
    });
  if (variant === "resumed") {
    const first = await dial();
    [session] = await once(first, "session");
    first.destroy();
  }
  return (/** @type {number} */ n) => inTurn(n, dial);
}
