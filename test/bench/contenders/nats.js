// @ts-check
import { connect as connectStock } from "@nats-io/transport-node";
import { Registry } from "prom-client";
import { tcp } from "../../../dist/index.js";
import { connect } from "../../../dist/nats.js";
import { natsMetrics } from "../../../dist/prometheus.js";
import { fullStack } from "../stack.js";

const message = new Uint8Array(128);

/** Number of messages published between two flushes, which keep the client's buffer small. */
const burst = 500;

/**
 * Publishes messages and receives them on the same connection.
 * @param {{ port: number, variant: string }} settings
 */
export async function prepare({ port, variant }) {
  const servers = `127.0.0.1:${port}`;
  const nc =
    variant === "stock"
      ? await connectStock({ servers })
      : await connect({ servers, dialer: fullStack(tcp()), trace: natsMetrics({ registry: new Registry() }) });
  let received = 0;
  let expected = 0;
  let done = () => {};
  nc.subscribe("bench", {
    callback(error) {
      if (error) throw error;
      received += 1;
      if (received === expected) done();
    },
  });

  return async (/** @type {number} */ n) => {
    expected = received + n;
    const all = new Promise((resolve) => {
      done = () => resolve(undefined);
    });
    for (let i = 0; i < n; i += 1) {
      nc.publish("bench", message);
      if (i % burst === burst - 1) await nc.flush();
    }
    await all;
  };
}
