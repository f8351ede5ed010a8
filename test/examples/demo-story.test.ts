import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { describe, test } from "node:test";
import { freePort, peer } from "../support/peers.ts";
import { until } from "../support/resources.ts";
import { assertInOrder, startDemo } from "./demo.ts";

/** The server starts after 0.5 s, stops 0.5 s after the first message, and starts again a second later. The test ends the demo. */
const story = ["--spans", "--up-after", "0.5", "--down-after", "0.5", "--down-for", "1"];

/** The first dial as a waterfall. */
const waterfall = [
  /dialer {3}dial 127\.0\.0\.1:\d+ .* ms {2}\d attempts\n/,
  /├─ attempt 1 +─+ .* ms {2}refused\n/,
  /│ {2}└─ connect 127\.0\.0\.1:\d+ +[█▌▐]+ .* ms {2}refused\n/,
  /├─ wait +·+ .* ms\n/,
  /└─ attempt \d +─+ .* ms\n/,
  / {3}├─ connect 127\.0\.0\.1:\d+ +[█▌▐]+ .* ms\n/,
  / {3}└─ handshake nats +[█▌▐]+ .* ms\n/,
];

// Concurrent, since these tests mostly wait.
describe("the demo", { concurrency: 2 }, () => {
  for (const [name, args] of [
    ["a real nats-server", []],
    ["its own small server", ["--small-server"]],
  ] as const) {
    test(`the demo with ${name} prints the dials, the outage, the reconnect and the totals`, async () => {
      await using demo = startDemo([...story, ...args]);
      await demo.printed("reconnected after");
      await until(() => /reconnected after.*received "hello/s.test(demo.output), "messages flow again");
      const { output } = demo;
      const metrics = await scrape(demo.metricsUrl());
      demo.child.kill("SIGINT");
      assert.equal(await demo.ended(), 0, demo.output);

      assertInOrder(demo.output, [
        "publishes a message over NATS every second; Ctrl-C ends it",
        args.length === 0 ? /nats-server v[\d.]+ will run on/ : "the demo's own small NATS server will run on",
        /metrics {2}http:\/\/127\.0\.0\.1:\d+\/metrics/,
        "not ready yet: connecting",
        /attempt 2 to dial \S+ in \d+ ms because: refused/,
        /is up on 127\.0\.0\.1:\d+/,
        ...waterfall,
        / {2}dial 127\.0\.0\.1:\d+ .* ms {2}\d attempts/,
        /├─ attempt 1 .* refused/,
        /│ {2}└─ connect 127\.0\.0\.1:\d+ +\+\d.* refused/,
        /└─ attempt \d .* ms\n/,
        / {3}├─ connect 127\.0\.0\.1:\d+ +\+\d.* ms\n/,
        / {3}└─ protocol handshake nats .* server [\d.]+\n/,
        'received "hello 1"',
        "goes down for 1 s",
        /connection to \S+ closed after \d+ ms \(\w+\), \d+ B in, \d+ B out/,
        /client {3}disconnected \((remote|reset|error)\)/,
        "not ready yet: reconnecting",
        /is up on 127\.0\.0\.1:\d+/,
        / {2}dial 127\.0\.0\.1:\d+ .* attempts/,
        /reconnected after an outage of [\d.]+ s/,
        /received "hello \d+"/,
        "Ctrl-C: cancel, drain and exit",
        "disconnected (drain)",
        "drained and closed",
        "totals from the metrics:",
        /dials +2 \(0 canceled\)/,
        /attempts +\d+ \(\d+ failed: \d+ refused\)/,
        /retries +\d+ \(delays of [\d.]+ s in total\)/,
        /disconnects +2: 1 \w+, 1 drain/,
        /outages +1 \([\d.]+ s in total\)\n$/,
      ]);
      assert.ok(!demo.output.includes("\u001b"), "no colors without a terminal");

      // Each failed attempt has a line in a waterfall.
      const failed = output.split(/│ {2}└─ connect \S+ +[█▌▐]+ .* refused\n/).length - 1;
      assert.equal(metrics.of("dialer_attempt_started_total"), failed + 2);
      assert.equal(metrics.of('dialer_attempt_failed_total{dialer_name="demo",error_type="refused"}'), failed);
      assert.equal(metrics.of("dialer_connection_established_total"), 2);
      assert.equal(metrics.of("dialer_retry_scheduled_total"), failed);
      assert.equal(metrics.of('dialer_connection_count{dialer_name="demo",dialer_connection_state="used"}'), 1);
      assert.equal(metrics.of('nats_client_connection_status{dialer_name="demo",nats_client_state="connected"}'), 1);
      assert.equal(metrics.of("nats_client_disconnects_total"), 1);
      assert.equal(metrics.of("nats_client_reconnect_succeeded_total"), 1);
      assert.equal(metrics.of("nats_client_outage_duration_seconds_count"), 1);

      assert.equal(demo.servers().length, args.length === 0 ? 2 : 0);
      await demo.leftNothing();
    });
  }

  test("the demo uses and names its own small server when no nats-server is on the PATH", async () => {
    await using demo = startDemo(["--seconds", "0"], { PATH: "" });
    assert.equal(await demo.ended(), 0);
    assertInOrder(demo.output, ["it ends after 0 s", "the demo's own small NATS server will run on"]);
  });

  test("the demo ends by itself after the time of --seconds", async () => {
    const startedAt = performance.now();
    await using demo = startDemo(["--small-server", "--seconds", "4"]);
    assert.equal(await demo.ended(), 0, demo.output);
    assert.ok(performance.now() - startedAt >= 4_000, "a pause can only make it longer");
    assertInOrder(demo.output, ["it ends after 4 s", "4 s have passed: drain and exit"]);
  });

  test("the demo's metrics server answers 404 for every path but /metrics", async () => {
    await using demo = startDemo(["--small-server", "--up-after", "60"]);
    await demo.printed("metrics  http");
    const response = await fetch(new URL("/", demo.metricsUrl()));
    assert.equal(response.status, 404);
    assert.equal(await response.text(), "Not found; the metrics are at /metrics.\n");
  });

  test("the demo sends spans, and nothing else, to OTEL_EXPORTER_OTLP_ENDPOINT", async () => {
    const bodies: Buffer[] = [];
    const requests = new Set<string>();
    const collector = createServer(async (request, response) => {
      requests.add(`${request.method} ${request.url} ${request.headers["content-type"]}`);
      for await (const chunk of request) bodies.push(chunk);
      response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
    }).listen(0, "127.0.0.1");
    await once(collector, "listening");
    const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
    try {
      await using demo = startDemo(["--small-server", "--spans", "--up-after", "0.2"], {
        OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      });
      await demo.printed("received");
      demo.child.kill("SIGINT");
      assert.equal(await demo.ended(), 0, demo.output);
      assertInOrder(demo.output, [`exported by OTLP to ${endpoint}`, "drained and closed"]);
      assert.doesNotMatch(demo.output, /^ *[\d.]+ s {2}spans {4}trace/m, "no span trees");
    } finally {
      collector.close();
      collector.closeAllConnections();
    }
    assert.deepEqual([...requests], ["POST /v1/traces application/x-protobuf"]);
    const sent = Buffer.concat(bodies).toString("latin1");
    for (const text of ["dialtrace-demo", "dial", "attempt", "connect", "protocol handshake", "refused"]) {
      assert.ok(sent.includes(text), text);
    }
  });

  test("an unknown argument ends the demo with one line and exit code 2", async () => {
    await using demo = startDemo(["--bogus"]);
    assert.equal(await demo.ended(), 2);
    assert.equal(demo.output, "demo: unknown argument: --bogus; see --help\n");
  });

  for (const flag of ["--port", "--metrics-port"]) {
    test(`the demo rejects a ${flag} that is in use`, async () => {
      await using taken = await peer();
      await using demo = startDemo(["--small-server", flag, String(taken.port)]);
      assert.equal(await demo.ended(), 2);
      assert.match(demo.output, new RegExp(`^demo: port ${taken.port} cannot be used: EADDRINUSE$`, "m"));
    });
  }

  test("--port and --metrics-port set the demo's ports, on loopback", async () => {
    const [port, metricsPort] = [await freePort(), await freePort()];
    const ports = ["--port", String(port), "--metrics-port", String(metricsPort)];
    await using demo = startDemo(["--up-after", "0", ...ports]);
    await demo.printed(`is up on 127.0.0.1:${port}`);
    assert.equal(demo.metricsUrl(), `http://127.0.0.1:${metricsPort}/metrics`);
    const socket = connect(port, "127.0.0.1");
    const [hello] = await once(socket, "data");
    assert.match(String(hello), /^INFO /);
    socket.destroy();
  });

  test("the demo's --help lists the options", async () => {
    await using demo = startDemo(["--help"]);
    assert.equal(await demo.ended(), 0);
    for (const flag of ["--seconds", "--up-after", "--down-after", "--down-for", "--small-server", "--port"]) {
      assert.ok(demo.output.includes(flag), flag);
    }
  });
});

/** Scrapes the metrics. `of` sums the samples of a name, or of a name with labels. */
async function scrape(url: string) {
  const response = await fetch(url);
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type") ?? "", /^text\/plain/);
  const lines = (await response.text()).split("\n");
  return {
    of: (series: string) =>
      lines
        .filter((line) => line.startsWith(`${series}{`) || line.startsWith(`${series} `))
        .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0),
  };
}
