import type { NatsConnection } from "@nats-io/transport-node";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { Registry } from "prom-client";
import type { ClientState, ClientTrace, DisconnectInfo } from "../../src/client/client-trace.ts";
import { compose, tcp, withRetry, withTimeout } from "../../src/index.ts";
import { type ConnectOptions, connect } from "../../src/nats.ts";
import { natsTracing, withTracing } from "../../src/otel.ts";
import { natsMetrics, withPrometheus } from "../../src/prometheus.ts";
import { type LedgerSocket, socketLedger } from "./socket-ledger.ts";
import { SpanCounter } from "./span-counter.ts";

/** A client with records made by the test, to compare with its metrics and spans. */
export interface ObservedClient {
  readonly nc: NatsConnection;
  readonly state: ClientState | undefined;
  readonly sockets: readonly LedgerSocket[];
  readonly disconnects: readonly DisconnectInfo[];
}

/** Three clients that share a registry and a tracer, each with its own reconnect policy. */
export async function connectClients(servers: string[]) {
  const registry = new Registry();
  const spans = new SpanCounter();
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [spans] });
  const open: NatsConnection[] = [];
  const client = async (name: string, options: ConnectOptions): Promise<ObservedClient> => {
    const ledger = socketLedger();
    const disconnects: DisconnectInfo[] = [];
    let state: ClientState | undefined;
    const dialer = compose(
      withTracing({ tracerProvider }),
      withPrometheus({ registry }),
      ledger.layer,
      withTimeout({ timeoutMs: 3_000 }),
      withRetry({ maxAttempts: 2, initialBackoffMs: 50, maxBackoffMs: 200 }),
      withTimeout({ timeoutMs: 1_000 }),
      tcp(),
    );
    const records: ClientTrace = {
      stateChange(info) {
        state = info.state;
      },
      disconnect: (info) => void disconnects.push(info),
    };
    const nc = await connect({
      servers,
      dialer,
      name: `chaos ${name}`,
      trace: [natsMetrics({ registry }), natsTracing({ tracerProvider }), records],
      timeout: 4_000,
      maxReconnectAttempts: -1,
      pingInterval: 300,
      maxPingOut: 2,
      ...options,
    });
    open.push(nc);
    const { sockets } = ledger;
    return {
      nc,
      sockets,
      disconnects,
      get state() {
        return state;
      },
    };
  };
  return {
    registry,
    spans,
    publisher: await client("publisher", {}),
    subscriber: await client("subscriber", { reconnectDelayHandler: () => 20, rttIntervalMs: 100 }),
    asker: await client("asker", { reconnectTimeWait: 50, reconnectJitter: 10, reconnectBufSize: -1 }),
    [Symbol.asyncDispose]: async () => void (await Promise.all(open.map((each) => each.close()))),
  };
}
