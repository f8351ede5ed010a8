import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { type Consumer, installedConsumer, skipLong } from "../support/consumer.ts";
import { countingHttpServer } from "../support/counting-servers.ts";
import { freePort } from "../support/peers.ts";
import { temporaryFolder } from "../support/temporary.ts";

const connects = { net: 10, fetch: 5 };
const suites = ["a.test.js", "b.test.js"];
const total = suites.length * (connects.net + connects.fetch);

const suite = `
  const { connect } = require("node:net");
  const port = Number(process.env.PEER);

  test("node:net connects to the server", async () => {
    for (let round = 0; round < ${connects.net}; round += 1) {
      await new Promise((resolve, reject) => {
        const socket = connect(port, "127.0.0.1", () => socket.destroy());
        socket.once("close", resolve).once("error", reject);
      });
    }
  });

  test("global fetch gets the answer of the server", async () => {
    for (let round = 0; round < ${connects.fetch}; round += 1) {
      const response = await fetch("http://127.0.0.1:" + port + "/", { headers: { connection: "close" } });
      expect(await response.text()).toBe("ok");
    }
  });
`;

/** Runs in the parent process after all tests, and prints what its metrics and its page have. */
const teardown = `
  module.exports = async () => {
    const { DIALTRACE_METRICS, DIALTRACE_PAGE } = process.env;
    if (DIALTRACE_METRICS === "0") return;
    const read = async (url) => (await fetch(url, { headers: { connection: "close" } })).text();
    const metrics = await read("http://127.0.0.1:" + DIALTRACE_METRICS + "/metrics");
    const page = JSON.parse(await read("http://127.0.0.1:" + DIALTRACE_PAGE + "/json"));
    const inMetrics = /^dialer_connection_established_total\\{dialer_name="peer"\\} (\\d+)$/m.exec(metrics)?.[1];
    const onPage = page.dialers.find(({ name }) => name === "peer")?.attempts.established;
    console.log("parent has " + JSON.stringify({ metrics: Number(inMetrics ?? 0), page: onPage ?? 0 }));
  };
`;

let consumer: Consumer;

/** Runs jest in an empty cache: with the durations of an earlier run, it would run short tests without workers. */
async function runJest(args: readonly string[], ports?: "chosen") {
  await using peer = await countingHttpServer();
  const port = async () => (ports === "chosen" ? "0" : String(await freePort()));
  const jest = ["jest", "--ci", "--testTimeout=60000", `--cacheDirectory=${temporaryFolder()}`, ...args];
  const { stdout, stderr } = await consumer.run("npx", jest, {
    NODE_OPTIONS: "--import dialtrace/register",
    PEER: String(peer.port),
    DIALTRACE_METRICS: await port(),
    DIALTRACE_PAGE: await port(),
    DIALTRACE_NAMES: `:${peer.port}=peer`,
    DIALTRACE_LOG: "1",
  });
  const said = `${stdout}\n${stderr}`;
  const count = (pattern: string) => said.match(new RegExp(pattern, "g"))?.length ?? 0;
  assert.match(said, new RegExp(`Tests: +${2 * suites.length} passed, ${2 * suites.length} total`));
  assert.equal(peer.accepted(), total);
  return {
    logged: count(`connected to 127\\.0\\.0\\.1:${peer.port}\\b`),
    servers: count("dialtrace: metrics of process"),
    portsTaken: count("no metrics of process .* the port is taken"),
    parent: JSON.parse(/^parent has (.*)$/m.exec(said)?.[1] ?? "null"),
  };
}

describe("dialtrace/register in jest", { skip: skipLong }, () => {
  before(async () => {
    consumer = await installedConsumer({ jest: "30.5.2" });
    consumer.write({
      ...Object.fromEntries(suites.map((file) => [file, suite])),
      "jest.config.js": `module.exports = { globalTeardown: "./teardown.js" };\n`,
      "teardown.js": teardown,
    });
  });

  it("with --runInBand metrics, page and log have exactly the connections of all tests", async () => {
    const seen = await runJest(["--runInBand"]);
    assert.deepEqual(seen, { logged: total, servers: 1, portsTaken: 0, parent: { metrics: total, page: total } });
  });

  it("in worker processes the log has exactly the connections of all tests, and each worker reports the taken port", async () => {
    const seen = await runJest(["--maxWorkers=2"]);
    assert.deepEqual(seen, { logged: total, servers: 1, portsTaken: 2, parent: { metrics: 0, page: 0 } });
  });

  it("in worker processes with port 0 each process has its own servers", async () => {
    const seen = await runJest(["--maxWorkers=2"], "chosen");
    assert.deepEqual(seen, { logged: total, servers: 3, portsTaken: 0, parent: null });
  });

  it("in worker threads the log has exactly the connections of all tests, and only the parent has servers", async () => {
    const seen = await runJest(["--maxWorkers=2", "--workerThreads"]);
    assert.deepEqual(seen, { logged: total, servers: 1, portsTaken: 0, parent: { metrics: 0, page: 0 } });
  });
});
