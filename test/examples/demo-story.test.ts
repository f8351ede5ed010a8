import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { describe, test } from "node:test";
import { freePort, peer } from "../support/peers.ts";
import { assertInOrder, startDemo } from "./demo.ts";

/** Up after half a second, an outage at 3.5 s, back at 4.5 s. */
const story = ["--spans", "--seconds", "10", "--up-after", "0.5", "--down-after", "3", "--down-for", "1"];

/** The first dial, as the log draws it. */
const waterfall = [
  /dialer {3}dial 127\.0\.0\.1:\d+ .* ms {2}\d attempts\n/,
  /├─ attempt 1 +─+ .* ms {2}refused\n/,
  /│ {2}└─ connect 127\.0\.0\.1:\d+ +[█▌▐]+ .* ms {2}refused\n/,
  /├─ wait +·+ .* ms\n/,
  /└─ attempt \d +─+ .* ms\n/,
  / {3}├─ connect 127\.0\.0\.1:\d+ +[█▌▐]+ .* ms\n/,
  / {3}└─ handshake nats +[█▌▐]+ .* ms\n/,
];

// Side by side, for they mostly wait.
describe("the demo", { concurrency: 2 }, () => {
  for (const [name, args] of [
    ["a real nats-server", []],
    ["its own small server", ["--small-server"]],
  ] as const) {
    test(`with ${name}, the demo tells its story from start to end`, async () => {
      await using demo = startDemo([...story, ...args]);
      await demo.printed("is back");
      const { output } = demo;
      const metrics = await scrape(demo.metricsUrl());
      assert.equal(await demo.ended(), 0, demo.output);

      assertInOrder(demo.output, [
        "says hello over NATS once a second, until 10 s are over",
        args.length === 0 ? /nats-server v[\d.]+ will run on/ : "the demo's own small NATS server will run on",
        "are served at http://127.0.0.1:",
        "not ready yet: connecting",
        /attempt 2 to dial \S+ in \d+ ms because: refused/,
        /is up on 127\.0\.0\.1:\d+/,
        ...waterfall,
        / {2}dial 127\.0\.0\.1:\d+ .* ms {2}\d attempts/,
        /├─ attempt 1 .* refused/,
        /│ {2}└─ socket connect 127\.0\.0\.1:\d+ .* refused/,
        /└─ attempt \d .* ms\n/,
        / {3}├─ socket connect 127\.0\.0\.1:\d+ .* ms\n/,
        / {3}└─ protocol handshake nats .* server [\d.]+\n/,
        'received "hello 1"',
        "goes down, for 1 s",
        /connection to \S+ closed after \d+ ms \(\w+\), \d+ B in, \d+ B out/,
        /is disconnected, because: (remote|reset|error)/,
        "not ready yet: reconnecting",
        /is up on 127\.0\.0\.1:\d+/,
        / {2}dial 127\.0\.0\.1:\d+ .* attempts/,
        /is back, after an outage of [\d.]+ s/,
        /received "hello \d+"/,
        "10 s are over: drains and ends",
        "is disconnected, because: drain",
        "is drained and closed",
        "in numbers, from the metrics:",
        /dials +2, of which 0 canceled/,
        /attempts +\d+, of which \d+ failed: \d+ refused/,
        /retries +\d+, after waits of [\d.]+ s in all/,
        /disconnects +2: 1 \w+, 1 drain/,
        /outages +1, of [\d.]+ s in all\n$/,
      ]);
      assert.ok(!demo.output.includes("\u001b"), "no colours where there is no terminal");

      // Those that are over: each has its line among the waterfalls.
      const failed = output.split(/│ {2}└─ connect .* refused\n/).length - 1;
      assert.equal(metrics.of("dialer_attempts_started_total"), failed + 2);
      assert.equal(metrics.of('dialer_attempts_failed_total{dialer_name="demo",error_type="refused"}'), failed);
      assert.equal(metrics.of("dialer_connections_established_total"), 2);
      assert.equal(metrics.of("dialer_retries_total"), failed);
      assert.equal(metrics.of('dialer_connection_count{dialer_name="demo",state="used"}'), 1);
      assert.equal(metrics.of('nats_client_connection_status{dialer_name="demo",state="connected"}'), 1);
      assert.equal(metrics.of("nats_client_disconnects_total"), 1);
      assert.equal(metrics.of("nats_client_reconnects_total"), 1);
      assert.equal(metrics.of("nats_client_outage_duration_seconds_count"), 1);

      assert.equal(demo.servers().length, args.length === 0 ? 2 : 0);
      await demo.leftNothing();
    });
  }

  test("where there is no nats-server on the PATH, the demo's own takes its place and says so", async () => {
    await using demo = startDemo(["--seconds", "0"], { PATH: "" });
    assert.equal(await demo.ended(), 0);
    assertInOrder(demo.output, ["the demo's own small NATS server will run on"]);
  });

  test("beside /metrics there is nothing", async () => {
    await using demo = startDemo(["--small-server", "--up-after", "60"]);
    await demo.printed("are served at");
    const response = await fetch(new URL("/", demo.metricsUrl()));
    assert.equal(response.status, 404);
    assert.equal(await response.text(), "There is only /metrics here.\n");
  });

  test("spans go to the OTLP endpoint that the environment names, and nothing else does", async () => {
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
      assertInOrder(demo.output, [`are sent by OTLP to ${endpoint}`, "is drained and closed"]);
      assert.doesNotMatch(demo.output, /a trace/, "no trees then");
    } finally {
      collector.close();
      collector.closeAllConnections();
    }
    assert.deepEqual([...requests], ["POST /v1/traces application/x-protobuf"]);
    const sent = Buffer.concat(bodies).toString("latin1");
    for (const text of ["dialtrace-demo", "dial", "attempt", "socket connect", "protocol handshake", "refused"]) {
      assert.ok(sent.includes(text), text);
    }
  });

  test("what the demo can't make sense of it answers with one line and 2", async () => {
    await using demo = startDemo(["--bogus"]);
    assert.equal(await demo.ended(), 2);
    assert.equal(demo.output, "demo: unknown argument: --bogus; see --help\n");
  });

  for (const flag of ["--port", "--metrics-port"]) {
    test(`the demo doesn't take a ${flag} that is in use`, async () => {
      await using taken = await peer();
      await using demo = startDemo(["--small-server", flag, String(taken.port)]);
      assert.equal(await demo.ended(), 2);
      assert.match(demo.output, new RegExp(`^demo: port ${taken.port} can't be used: EADDRINUSE$`, "m"));
    });
  }

  test("--port and --metrics-port fix the ports, on loopback", async () => {
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

  test("--help tells the options", async () => {
    await using demo = startDemo(["--help"]);
    assert.equal(await demo.ended(), 0);
    for (const flag of ["--seconds", "--up-after", "--down-after", "--down-for", "--small-server", "--port"]) {
      assert.ok(demo.output.includes(flag), flag);
    }
  });
});

/** Reads metrics; `of` sums the samples whose name, and labels if given, it is told. */
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
