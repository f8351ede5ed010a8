/**
 * Publishes a message over NATS every second and shows what happens: it connects in the background while the
 * server is still down, survives an outage, and shuts down cleanly.
 *
 *   npm run demo
 *   npm run demo -- --help
 */
import { EventEmitter } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { compose, type Dialer, tcp, withLog, withRetry, withTimeout } from "dialtrace";
import { type Inspector, inspector } from "dialtrace/inspector";
import { connect } from "dialtrace/nats";
import { natsTracing, withTracing } from "dialtrace/otel";
import { natsMetrics, withPrometheus } from "dialtrace/prometheus";
import { Registry } from "prom-client";
import { leave } from "./leave.ts";
import { serveMetrics } from "./metrics-server.ts";
import { prepareNatsServer } from "./nats-server.ts";
import { type DemoOptions, help, readOptions, UsageError } from "./options.ts";
import { playServer } from "./play-server.ts";
import { openScreen, type Screen } from "./screen.ts";
import { Stopped, stopOnSignals } from "./stop-signal.ts";
import { summarize } from "./summary.ts";
import { startTracing } from "./tracing.ts";

const name = "demo";
const subject = "demo.hello";

async function main(options: DemoOptions): Promise<void> {
  const screen = openScreen();
  const registry = new Registry();
  const page = inspector();
  const stop = new AbortController();
  stopOnSignals(stop, options.seconds, screen);

  const end = options.seconds === undefined ? "Ctrl-C ends it" : `it ends after ${options.seconds} s`;
  screen.say("demo", `publishes a message over NATS every second; ${end}`);
  // These are disposed of in reverse order when main returns or throws.
  await using server = await prepareNatsServer(options);
  await using metrics = await serveMetrics(registry, options.metricsPort);
  await using live = await page.listen();
  await using _tracing = await startTracing(screen, options.spans);
  screen.say("server", `${server.name} will run on ${server.address}; it is not started yet`);
  screen.say("metrics", `${metrics.url}`);
  screen.say("page", `${live.url}`);

  const messages = new EventEmitter();
  const client = runClient(server.address, messages, registry, page, screen, stop);
  await Promise.all([playServer(server, messages, options, screen, stop), client]);
  if (!(stop.signal.reason instanceof Stopped)) throw stop.signal.reason;
  screen.say("demo", await summarize(registry));
}

/** Creates the dialer of the client, observed by spans, metrics, the live page and the screen. */
function newDialer(registry: Registry, page: Inspector, screen: Screen): Dialer {
  const say = (text: string) => screen.say("dialer", text.split("\n"));
  return compose(
    withTracing({ name }),
    withPrometheus({ registry, name }),
    page.observe({ name }),
    withLog({ info: say, warn: say }, { pretty: true, colors: screen.colors, columns: screen.columns }),
    withTimeout({ timeoutMs: 10_000 }), // the whole dial: every attempt and delay
    withRetry({ maxAttempts: 8, initialBackoffMs: 500, maxBackoffMs: 1_500, jitter: "equal" }),
    withTimeout({ timeoutMs: 2_000 }), // one attempt
    tcp(),
  );
}

/** Connects in the background, publishes a message every second, emits `received` for each that arrives, and drains at the end. */
async function runClient(
  address: string,
  messages: EventEmitter,
  registry: Registry,
  page: Inspector,
  screen: Screen,
  stop: AbortController,
) {
  const { signal } = stop;
  const client = await connect({
    servers: address,
    dialer: newDialer(registry, page, screen),
    signal,
    connectInBackground: true,
    maxReconnectAttempts: -1,
    trace: [natsMetrics({ registry, name }), natsTracing(), page.client({ name })],
    onDisconnect: ({ reason }) => screen.say("client", `disconnected (${reason})`),
    onReconnect: ({ outageMs }) =>
      screen.say("client", `reconnected after an outage of ${(outageMs / 1000).toFixed(1)} s`),
  });
  const subscribed = client.ready.then(
    (nc) => {
      const callback = (data: unknown) => {
        screen.say("client", `received "${data}"`);
        messages.emit("received");
      };
      nc.subscribe(subject, { callback: (_error, { data }) => callback(data) });
    },
    (error) => stop.abort(error),
  );

  let published = 0;
  while (!signal.aborted) {
    if (client.isConnected) {
      published += 1;
      client.connection?.publish(subject, `hello ${published}`);
    } else {
      screen.say("client", `not ready yet: ${client.state}`);
    }
    await sleep(1000, undefined, { signal }).catch(() => {});
  }

  await subscribed;
  if (client.connection !== undefined) await leave(client.connection, screen);
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options === "help") console.log(help);
  else await main(options);
} catch (error) {
  console.error(error instanceof UsageError ? `demo: ${error.message}` : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
// An exporter that still tries to reach its collector must not keep the process alive.
setTimeout(() => process.exit(), 500).unref();
