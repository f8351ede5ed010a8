import { afterEach } from "node:test";
import { Registry } from "prom-client";
import { compose, type Dialer, tcp } from "../../src/index.ts";
import type { ConnectOptions } from "../../src/nats.ts";
import { natsMetrics, withPrometheus } from "../../src/prometheus.ts";
import { scrape } from "../telemetry/exposition.ts";
import { connect } from "./nats-line.ts";

type Client = Awaited<ReturnType<typeof connect>>;

/** Returns a `connect` whose clients are closed when the test ends, so that a failed test leaves no client reconnecting. */
export function connecting(): (options: ConnectOptions) => Promise<Client> {
  const clients: Client[] = [];
  afterEach(() => Promise.all(clients.splice(0).map((each) => each.close())));
  return async (options) => {
    const client = await connect(options);
    clients.push(client);
    return client;
  };
}

/** Options that reconnect quickly and without limit. */
export const eager = {
  reconnectTimeWait: 20,
  reconnectJitter: 0,
  reconnectJitterTLS: 0,
  maxReconnectAttempts: -1,
};

/** A dialer and a trace whose metrics share a new registry. */
export function measured() {
  const registry = new Registry();
  return {
    dialer: compose(withPrometheus({ registry }), tcp()),
    trace: natsMetrics({ registry }),
    /** The nonzero series of a metric, as `label=value → value`. */
    counted: async (metric: string): Promise<string[]> => (await scrape(registry)).nonZero(metric),
  };
}

/** A dialer that records its targets and times. */
export function noting(): { dialer: Dialer; dials: { server: string; at: number }[] } {
  const dials: { server: string; at: number }[] = [];
  const base = compose(tcp());
  const dialer: Dialer = (target, options) => {
    const { host, port } = target as { host: string; port: number };
    dials.push({ server: `${host}:${port}`, at: performance.now() });
    return base(target, options);
  };
  return { dialer, dials };
}
